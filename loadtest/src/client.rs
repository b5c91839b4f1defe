//! A lean HTTP/1.1 client: one connection at a time, driven by the task that uses it, so that ten
//! thousand visitors are ten thousand tasks and not thirty thousand.

mod answer;
mod connection;

use std::error::Error;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;

pub(crate) use answer::Answer;
use connection::Connection;

/// Longest wait for one answer, connecting included. Far above every bound of a scenario.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);

/// What is sent: every body of ours is small and known beforehand.
pub(crate) type Outgoing = Request<Full<Bytes>>;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("cannot connect")]
    Connect(#[source] std::io::Error),
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("the body is unreadable or too long")]
    Body(#[source] Box<dyn Error + Send + Sync>),
    #[error("no answer within {} s", ANSWER_DEADLINE.as_secs())]
    Deadline,
}

impl NoAnswer {
    /// With all its causes, for the journal.
    pub(crate) fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

/// An address of the stack that is not `http://HOST:PORT`.
#[derive(Debug, thiserror::Error)]
#[error("the address {0:?} in the stack file is not http://HOST:PORT")]
pub(crate) struct BadAddress(String);

/// Where a service listens.
#[derive(Debug)]
pub(crate) struct Service {
    address: SocketAddr,
    host: HeaderValue,
}

/// Speaks with one service over one connection that is opened when needed and reopened when lost.
#[derive(Debug)]
pub(crate) struct Client {
    service: Arc<Service>,
    connection: Option<Connection>,
    reconnections: u32,
}

impl Service {
    /// The one that listens there.
    pub(crate) fn on(address: SocketAddr) -> Arc<Self> {
        let host = HeaderValue::from_str(&address.to_string());
        Arc::new(Self {
            address,
            host: host.expect("an address is good in a header"),
        })
    }

    /// Reads an address as the stack file writes it.
    pub(crate) fn at(url: &str) -> Result<Arc<Self>, BadAddress> {
        let authority = url
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'));
        let found = authority.and_then(|authority| {
            let address = authority.to_socket_addrs().ok()?.next()?;
            Some(Self {
                address,
                host: HeaderValue::from_str(authority).ok()?,
            })
        });
        found
            .map(Arc::new)
            .ok_or_else(|| BadAddress(url.to_owned()))
    }
}

impl Client {
    pub(crate) fn new(service: &Arc<Service>) -> Self {
        Self {
            service: Arc::clone(service),
            connection: None,
            reconnections: 0,
        }
    }

    /// How often a kept connection turned out to be lost and the request was sent again over a new one.
    pub(crate) fn reconnections(&self) -> u32 {
        self.reconnections
    }

    /// Gives the connection back to the machine; the next request opens another.
    pub(crate) fn close(&mut self) {
        self.connection = None;
    }

    /// Sends one request and reads its whole answer, of at most `longest_body` bytes.
    pub(crate) async fn send(
        &mut self,
        mut request: Outgoing,
        longest_body: usize,
    ) -> Result<Answer, NoAnswer> {
        request
            .headers_mut()
            .insert(header::HOST, self.service.host.clone());
        tokio::time::timeout(ANSWER_DEADLINE, self.send_over_any(request, longest_body))
            .await
            .unwrap_or_else(|_| {
                self.connection = None;
                Err(NoAnswer::Deadline)
            })
    }

    /// A kept connection may have been closed by the other side while it was idle: as browsers do,
    /// the request is then sent once more over a new one. All our requests may be repeated.
    async fn send_over_any(
        &mut self,
        request: Outgoing,
        longest_body: usize,
    ) -> Result<Answer, NoAnswer> {
        if let Some(kept) = self.connection.take() {
            match self.exchange(kept, request.clone(), longest_body).await {
                Err(NoAnswer::Broken(_)) => self.reconnections += 1,
                settled => return settled,
            }
        }
        let fresh = Connection::open(self.service.address).await?;
        self.exchange(fresh, request, longest_body).await
    }

    /// Keeps the connection only when it can be used again.
    async fn exchange(
        &mut self,
        mut connection: Connection,
        request: Outgoing,
        longest_body: usize,
    ) -> Result<Answer, NoAnswer> {
        let answer = connection.exchange(request, longest_body).await?;
        if connection.is_open() {
            self.connection = Some(connection);
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
