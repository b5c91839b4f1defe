//! What tells that a program is up: an answer over its own protocol, never a guess by time.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// The longest that one look may take.
const LOOK_WITHIN: Duration = Duration::from_secs(1);

/// The most that is read of an answer.
const MOST_BYTES_READ: usize = 512;

/// The question that shows whether a program is up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ready {
    /// Redis answers PING (it does not while it still loads its data).
    Redis {
        /// Its port on loopback.
        port: u16,
    },
    /// PostgreSQL takes connections.
    Postgres {
        /// Its port on loopback.
        port: u16,
        /// The program `pg_isready` of the same installation.
        pg_isready: PathBuf,
    },
    /// `GET path` is answered with 200.
    Http {
        /// The port on loopback.
        port: u16,
        /// `/readyz`
        path: String,
    },
}

impl Ready {
    /// Looks once, blocking, for a second at most.
    pub fn check(&self) -> bool {
        match self {
            Self::Redis { port } => ask(*port, "PING\r\n").is_ok_and(|a| a.starts_with("+PONG")),
            Self::Postgres { port, pg_isready } => Command::new(pg_isready)
                .args(["--quiet", "--timeout=1", "--host=127.0.0.1"])
                .arg(format!("--port={port}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success()),
            Self::Http { port, path } => {
                let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
                ask(*port, &request)
                    .is_ok_and(|answer| answer.split(' ').nth(1).is_some_and(|code| code == "200"))
            }
        }
    }
}

fn ask(port: u16, question: &str) -> io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, LOOK_WITHIN)?;
    stream.set_read_timeout(Some(LOOK_WITHIN))?;
    stream.set_write_timeout(Some(LOOK_WITHIN))?;
    stream.write_all(question.as_bytes())?;
    let mut answer = [0; MOST_BYTES_READ];
    let length = stream.read(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
}
