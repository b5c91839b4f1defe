//! A way to a server that can be cut, for one process alone.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Carries connections from a port of its own to a server, until it is cut, and again once it is mended.
pub(super) struct Cable {
    pub(super) address: SocketAddr,
    is_cut: watch::Sender<bool>,
    _carrying: JoinSet<()>,
}

impl Cable {
    pub(super) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_cut, state) = watch::channel(false);
        let mut carrying = JoinSet::new();
        carrying.spawn(carry(listener, server, state));
        Self {
            address,
            is_cut,
            _carrying: carrying,
        }
    }

    /// Connections end, and new ones end at once.
    pub(super) fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    pub(super) fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

async fn carry(listener: TcpListener, server: SocketAddr, state: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut state = state.clone();
        connections.spawn(async move {
            if *state.borrow() {
                return;
            }
            let Ok(mut far) = TcpStream::connect(server).await else {
                return;
            };
            tokio::select! {
                _ended = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _cut = state.wait_for(|is_cut| *is_cut) => {}
            }
        });
    }
}
