//! A Redis primary with a replica, and three sentinels that put the replica in its place when it dies.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    time::{Duration, Instant},
};

use redis::{RedisResult, cmd};

use super::{Folders, RedisServer, Server, StoreError, redis_server::connect};
use crate::{
    process::{Launch, POLL_EVERY, Ready, RunAs, StopSignal},
    servers::Servers,
};

/// The name under which the sentinels know the primary.
const NAME: &str = "mymaster";

/// Sentinels, of which a majority has to agree that the primary is gone.
const SENTINELS: usize = 3;
const MAJORITY: usize = 2;

/// Milliseconds without an answer after which the primary counts as gone: short, because tests kill it.
const DOWN_AFTER_MS: u32 = 1_000;

/// Milliseconds after which a failover that got stuck is tried again.
const FAILOVER_TIMEOUT_MS: u32 = 5_000;

/// Seconds in which the sentinels must have found each other and the replica. They look every ten.
const FORMED_WITHIN_SECONDS: u64 = 60;

/// Seconds until a sentinel must answer.
const READY_WITHIN_SECONDS: u64 = 30;

/// A private Redis under sentinels.
#[derive(Debug)]
pub struct RedisSentinels {
    sentinels: Vec<(Server, u16)>,
    servers: [RedisServer; 2],
}

impl RedisSentinels {
    /// Starts everything and waits until the sentinels would notice a death.
    pub fn start(servers: &Servers, folder: &Path) -> Result<Self, StoreError> {
        let place = |name: &str| Folders::from(folder.join(name));
        // By default a primary waits five seconds for other replicas before it feeds the first.
        let at_once = |_| ["--repl-diskless-sync-delay".to_owned(), "0".to_owned()].into();
        let first = RedisServer::start_with(servers, &place("redis-1"), "redis-1", at_once)?;
        let port = first.port();
        let follow = |_| {
            [
                "--replicaof".to_owned(),
                "127.0.0.1".to_owned(),
                port.to_string(),
            ]
            .into()
        };
        let second = RedisServer::start_with(servers, &place("redis-2"), "redis-2", follow)?;
        let sentinels = (1..=SENTINELS)
            .map(|number| start_sentinel(servers, &folder.join(format!("sentinel-{number}")), port))
            .collect::<Result<Vec<_>, _>>()?;
        let all = Self {
            sentinels,
            servers: [first, second],
        };
        all.wait_until_formed()?;
        Ok(all)
    }

    /// `redis+sentinel://127.0.0.1:PORT,…/mymaster`
    pub fn url(&self) -> String {
        let sentinels: Vec<String> = self
            .sentinels
            .iter()
            .map(|(_, port)| format!("127.0.0.1:{port}"))
            .collect();
        format!("redis+sentinel://{}/{NAME}", sentinels.join(","))
    }

    /// The two servers, the first primary first, to be asked, killed or restarted one by one.
    pub fn servers(&mut self) -> &mut [RedisServer] {
        &mut self.servers
    }

    fn wait_until_formed(&self) -> Result<(), StoreError> {
        let deadline = Instant::now() + Duration::from_secs(FORMED_WITHIN_SECONDS);
        while !feeds_its_replica(self.servers[0].port()).unwrap_or(false)
            || !self
                .sentinels
                .iter()
                .all(|(_, port)| sees_all(*port).unwrap_or(false))
        {
            if Instant::now() > deadline {
                let what = "agreement of the sentinels of Redis";
                return Err(StoreError::Late {
                    what,
                    seconds: FORMED_WITHIN_SECONDS,
                });
            }
            std::thread::sleep(POLL_EVERY);
        }
        Ok(())
    }
}

/// Whether the replica has the primary's data and follows it.
fn feeds_its_replica(port: u16) -> RedisResult<bool> {
    let info: String = cmd("INFO").arg("replication").query(&mut connect(port)?)?;
    Ok(info.contains("state=online"))
}

/// Whether a sentinel knows the replica and the other sentinels.
fn sees_all(port: u16) -> RedisResult<bool> {
    let facts: HashMap<String, String> = cmd("SENTINEL")
        .arg("MASTER")
        .arg(NAME)
        .query(&mut connect(port)?)?;
    let has = |fact: &str, value: usize| facts.get(fact).is_some_and(|v| *v == value.to_string());
    Ok(has("num-slaves", 1) && has("num-other-sentinels", SENTINELS - 1))
}

fn start_sentinel(
    servers: &Servers,
    folder: &Path,
    primary: u16,
) -> Result<(Server, u16), StoreError> {
    std::fs::create_dir_all(folder).map_err(StoreError::io("making the folder of a sentinel"))?;
    let settings = folder.join("sentinel.conf");
    // A sentinel keeps what it learns in its file of settings, so the port is not in it but an argument.
    let text = format!(
        "sentinel monitor {NAME} 127.0.0.1 {primary} {MAJORITY}\n\
         sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n\
         sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}\n"
    );
    std::fs::write(&settings, text)
        .map_err(StoreError::io("writing the settings of a sentinel"))?;
    Server::on_a_free_port(|port| launch(servers, folder, &settings, port))
}

fn launch(servers: &Servers, folder: &Path, settings: &Path, port: u16) -> Launch {
    let mut args = vec![settings.display().to_string(), "--sentinel".to_owned()];
    let flags = [
        ("--port", port.to_string()),
        ("--bind", "127.0.0.1".to_owned()),
        ("--dir", folder.display().to_string()),
        ("--daemonize", "no".to_owned()),
    ];
    args.extend(
        flags
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value]),
    );
    Launch {
        name: "sentinel".to_owned(),
        program: servers.redis.clone(),
        args,
        env: BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned())]),
        run_as: RunAs::Myself,
        log: folder.join("sentinel.log"),
        ports: vec![port],
        stop_signal: StopSignal::Terminate,
        ready: Ready::Redis { port },
        ready_within_seconds: READY_WITHIN_SECONDS,
    }
}
