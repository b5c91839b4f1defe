//! The lightest client there is: request bytes that were made before go out, the answer comes in, over one
//! kept connection.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// More headers than any answer of ours has.
const HEADERS_MAX: usize = 32;
/// Longest answer, head and body.
const ANSWER_BYTES_MAX: usize = 64 << 10;
const BUFFER_BYTES: usize = 4 << 10;

/// One kept connection, on which one request at a time travels.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, as it stands in the connection's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply<'wire> {
    pub status: u16,
    /// Status line and headers, with the empty line behind them.
    pub head: &'wire [u8],
    pub body: &'wire [u8],
}

/// Where an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    status: u16,
    head: usize,
    whole: usize,
}

impl Wire {
    /// Connects, from a given address of this machine where there is one.
    pub(super) async fn open(to: SocketAddr, from: Option<SocketAddr>) -> io::Result<Self> {
        let socket = if to.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(from) = from {
            socket.bind(from)?;
        }
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(BUFFER_BYTES),
        })
    }

    /// Sends a whole request and reads its whole answer. The caller sets a deadline: one for many requests is enough.
    pub(super) async fn ask(&mut self, request: &[u8]) -> io::Result<Reply<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let extent = loop {
            self.read_some().await?;
            if let Some(extent) = extent(&self.buffer)? {
                break extent;
            }
        };
        let (head, rest) = self.buffer.split_at(extent.head);
        Ok(Reply {
            status: extent.status,
            head,
            body: &rest[..extent.whole - extent.head],
        })
    }
}

impl Wire {
    /// Sends a request whose answer has no end, and reads its head. Returns the status.
    pub(super) async fn open_stream(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            self.read_some().await?;
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut answer = httparse::Response::new(&mut headers);
            let parsed = answer.parse(&self.buffer).map_err(io::Error::other)?;
            if let httparse::Status::Complete(head) = parsed {
                let status = answer.code.unwrap_or_default();
                self.buffer.drain(..head);
                return Ok(status);
            }
        }
    }

    /// Reads on until `mark` has come by; an error when the stream ends without it.
    pub(super) async fn read_until(&mut self, mark: &[u8]) -> io::Result<()> {
        loop {
            if self.buffer.windows(mark.len()).any(|window| window == mark) {
                return Ok(());
            }
            // It may come in two parts.
            let kept = self.buffer.len().min(mark.len() - 1);
            self.buffer.drain(..self.buffer.len() - kept);
            self.read_some().await?;
        }
    }

    async fn read_some(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Where the answer in `bytes` ends; `None` when it is not all there yet.
fn extent(bytes: &[u8]) -> io::Result<Option<Extent>> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let parsed = answer
        .parse(bytes)
        .map_err(|error| bad(&error.to_string()))?;
    let httparse::Status::Complete(head) = parsed else {
        return Ok(None);
    };
    let length = answer
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = match length {
        Some(header) => std::str::from_utf8(header.value)
            .ok()
            .and_then(|text| text.parse::<usize>().ok()),
        // Without a body, as 204.
        None => Some(0),
    };
    let whole = length
        .map(|length| head.saturating_add(length))
        .filter(|whole| *whole <= ANSWER_BYTES_MAX)
        .ok_or_else(|| bad("an answer of unknown length"))?;
    let status = answer.code.unwrap_or_default();
    Ok((bytes.len() >= whole).then_some(Extent {
        status,
        head,
        whole,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

    #[test]
    fn an_answer_is_whole_only_with_its_last_byte() {
        for cut in 0..ANSWER.len() {
            assert_eq!(extent(&ANSWER[..cut]).unwrap(), None, "{cut} bytes");
        }
        let whole = extent(ANSWER).unwrap().unwrap();
        assert_eq!((whole.status, whole.whole), (200, ANSWER.len()));
        assert_eq!(&ANSWER[whole.head..], b"hello");
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(extent(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
        assert!(extent(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n").is_err());
        assert!(extent(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n").is_err());
    }

    #[tokio::test]
    async fn a_stream_is_read_until_its_mark_even_in_two_parts() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut wire = Wire::open(address, None).await.unwrap();
        let serve = async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head =
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nevent: position event: adm";
            stream.write_all(head).await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(b"itted").await.unwrap();
        };
        let read = async {
            assert_eq!(wire.open_stream(b"GET").await.unwrap(), 200);
            wire.read_until(b"event: admitted").await.unwrap();
            assert!(
                wire.read_until(b"event: left").await.is_err(),
                "it has ended"
            );
        };
        tokio::join!(serve, read);
    }

    #[tokio::test]
    async fn a_connection_carries_one_request_after_the_other() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut wire = Wire::open(address, None).await.unwrap();
        let serve = async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..2 {
                let mut request = [0; 3];
                stream.read_exact(&mut request).await.unwrap();
                // In two parts, as a network may deliver it.
                stream.write_all(&ANSWER[..20]).await.unwrap();
                tokio::task::yield_now().await;
                stream.write_all(&ANSWER[20..]).await.unwrap();
            }
        };
        let ask = async {
            assert_eq!(wire.ask(b"one").await.unwrap().body, b"hello");
            assert_eq!(wire.ask(b"two").await.unwrap().status, 200);
            assert!(wire.ask(b"xxx").await.is_err(), "the server has gone");
        };
        tokio::join!(serve, ask);
    }
}
