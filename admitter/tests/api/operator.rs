//! Somebody at a terminal, with a Redis of this test alone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use devstack::stores::RedisServer;
use devstack::test_stores;
use serde_json::Value;
use shared::ids::VisitorId;
use shared::redis_handle::Redis;
use shared::room::Line;
use shared::shutdown::Shutdown;

/// What a test waits for at most; far more than anything takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);
const BINARY: &str = env!("CARGO_BIN_EXE_admitter");

pub(crate) struct Operator {
    pub(crate) server: RedisServer,
    pub(crate) folder: PathBuf,
}

/// A running daemon, ended with the test.
pub(crate) struct Daemon {
    child: Child,
    admin: String,
}

impl Operator {
    pub(crate) fn new() -> Self {
        let name = format!("admitter-{:08x}", rand::random::<u32>());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let server = RedisServer::start(test_stores::servers(), folder.join("redis")).unwrap();
        server.keep_every_write().unwrap();
        Self { server, folder }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        command(&self.server.url(), arguments).output().unwrap()
    }

    /// Starts a command that does not end by itself.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let mut command = command(&self.server.url(), arguments);
        command.stdout(Stdio::piped()).spawn().unwrap()
    }

    /// What a command prints with `--json`; it must succeed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What a command says when it fails; it must fail.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    pub(crate) fn daemon(&self, flags: &[&str]) -> Daemon {
        Daemon::start(&self.server.url(), flags)
    }

    pub(crate) async fn line(&self, room: &str) -> Line {
        Line::new(connect(&self.server.url()).await, room.parse().unwrap())
    }
}

fn command(redis_url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(arguments)
        .env("ONSALE_REDIS_URL", redis_url)
        .stdin(Stdio::null());
    command
}

/// A connection to the Redis at `url`.
pub(crate) async fn connect(url: &str) -> Redis {
    let url = url.parse().unwrap();
    let redis = Redis::connect(&url, Duration::from_secs(10), &Shutdown::new());
    redis.wait_connected(LONG).await.unwrap();
    redis
}

impl Daemon {
    pub(crate) fn start(redis_url: &str, flags: &[&str]) -> Self {
        let admin = format!("127.0.0.1:{}", devstack::ports::free().unwrap());
        let fixed = ["run", "--admin-listen", &admin, "--drain-delay-ms", "0"];
        let mut command = command(redis_url, &[&fixed, flags].concat());
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        Self { child, admin }
    }

    /// What the daemon shows of `room` by the metric `name`; `None` while it shows nothing.
    pub(crate) fn figure(&self, name: &str, room: &str) -> Option<f64> {
        let mut stream = TcpStream::connect(&self.admin).ok()?;
        let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut shown = String::new();
        stream.read_to_string(&mut shown).unwrap();
        let label = format!("room=\"{room}\"");
        let line = shown
            .lines()
            .find(|line| line.starts_with(&format!("{name}{{")) && line.contains(&label))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; returns whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(began.elapsed() < LONG, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Joins `count` visitors, from `first` on.
pub(crate) async fn join(line: &Line, first: u64, count: u64) {
    let visitors: Vec<VisitorId> = (first..first + count)
        .map(|number| format!("v-{number}").parse().unwrap())
        .collect();
    for some in visitors.chunks(200) {
        line.join(
            some,
            shared::room::Promise::of(std::time::Duration::from_secs(60)),
        )
        .await
        .unwrap();
    }
}
