//! One connection: hyper's client for it, polled inside the exchange instead of in a task of its own.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Answer, NoAnswer, Outgoing};

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// An open connection on which one request at a time travels.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Pin<Box<Driver>>,
    /// The driver must not be polled again once it has ended.
    ended: bool,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self, NoAnswer> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(NoAnswer::Connect)?;
        // Otherwise the kernel may hold back small requests for 40 ms.
        stream.set_nodelay(true).map_err(NoAnswer::Connect)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(NoAnswer::Broken)?;
        Ok(Self {
            sender,
            driver: Box::pin(driver),
            ended: false,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.ended && !self.sender.is_closed()
    }

    /// Sends the request and reads the answer, letting the driver work meanwhile.
    pub(super) async fn exchange(
        &mut self,
        request: Outgoing,
        longest_body: usize,
    ) -> Result<Answer, NoAnswer> {
        let Self {
            sender,
            driver,
            ended,
        } = self;
        let mut work = pin!(send_and_read(sender, request, longest_body));
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            if !*ended && driver.as_mut().poll(context).is_ready() {
                *ended = true;
            }
            work.as_mut().poll(context)
        })
        .await
    }
}

async fn send_and_read(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Outgoing,
    longest_body: usize,
) -> Result<Answer, NoAnswer> {
    sender.ready().await.map_err(NoAnswer::Broken)?;
    let response = sender
        .send_request(request)
        .await
        .map_err(NoAnswer::Broken)?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, longest_body)
        .collect()
        .await
        .map_err(NoAnswer::Body)?;
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.to_bytes(),
    })
}
