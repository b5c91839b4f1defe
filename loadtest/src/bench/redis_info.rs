//! What Redis says about its own work.

use std::time::Duration;

use anyhow::{Context, bail};

const REDIS_DEADLINE: Duration = Duration::from_secs(5);
/// An entry of `SLOWLOG GET`: its number, when, microseconds, command and arguments, whose.
type SlowCall = (u64, i64, u64, Vec<Vec<u8>>, String, String);
/// Of a script its hash, the number of its keys, and the first of them.
const WORDS_OF_A_CALL: usize = 4;
/// Slow calls that Redis keeps: more than a benchmark has.
const SLOW_CALLS: u32 = 100_000;

/// Work done since the server started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// Commands, those inside scripts included.
    pub commands: u64,
    /// Time of the processor.
    pub processor: Duration,
}

/// A connection to one Redis server.
pub(super) struct RedisInfo {
    connection: redis::aio::MultiplexedConnection,
}

impl RedisInfo {
    pub(super) async fn connect(url: &str) -> anyhow::Result<Self> {
        if !url.starts_with("redis://") {
            bail!("commands are counted on one Redis server; this stack has {url}");
        }
        let client = redis::Client::open(url).context("the stack file has a bad Redis address")?;
        let connecting = client.get_multiplexed_async_connection();
        let connection = tokio::time::timeout(REDIS_DEADLINE, connecting).await;
        Ok(Self {
            connection: connection.context("Redis does not answer")??,
        })
    }

    /// Work so far, without our own asking.
    pub(super) async fn work(&mut self) -> anyhow::Result<Work> {
        Ok(parse_work(&self.info("all").await?))
    }

    /// Bytes that Redis has taken from its allocator.
    pub(super) async fn used_memory(&mut self) -> anyhow::Result<u64> {
        let info = self.info("memory").await?;
        let used = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"));
        let bytes = used.and_then(|bytes| bytes.trim().parse().ok());
        bytes.context("Redis does not say how much memory it uses")
    }

    /// Bytes of each key that begins with `prefix`, by the rest of its name.
    pub(super) async fn memory_by_key(
        &mut self,
        prefix: &str,
    ) -> anyhow::Result<Vec<(String, u64)>> {
        let mut command = redis::cmd("KEYS");
        let keys: Vec<String> = self.ask(command.arg(format!("{prefix}*"))).await?;
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let mut command = redis::cmd("MEMORY");
            // A thousand entries are enough to know what one takes.
            let command = command.arg("USAGE").arg(&key).arg("SAMPLES").arg(1_000);
            let bytes: Option<u64> = self.ask(command).await?;
            found.push((key[prefix.len()..].to_owned(), bytes.unwrap_or(0)));
        }
        found.sort();
        Ok(found)
    }

    /// Starts Redis' log of slow calls anew, with all that take a millisecond or more.
    pub(super) async fn log_slow_calls(&mut self) -> anyhow::Result<()> {
        let mut command = redis::cmd("CONFIG");
        let command = command.arg("SET").arg("slowlog-log-slower-than").arg(1_000);
        let command = command.arg("slowlog-max-len").arg(SLOW_CALLS);
        self.ask::<()>(command).await?;
        self.ask(redis::cmd("SLOWLOG").arg("RESET")).await
    }

    /// The longest calls since [`Self::log_slow_calls`], longest first: how long, and how each begins.
    pub(super) async fn slow_calls(&mut self) -> anyhow::Result<Vec<(Duration, String)>> {
        let mut command = redis::cmd("SLOWLOG");
        let calls: Vec<SlowCall> = self.ask(command.arg("GET").arg(SLOW_CALLS)).await?;
        let mut calls: Vec<_> = calls
            .into_iter()
            .map(|(_number, _at, micros, words, _address, _client)| {
                let begins = words.iter().take(WORDS_OF_A_CALL);
                let begins: Vec<_> = begins.map(|word| String::from_utf8_lossy(word)).collect();
                (Duration::from_micros(micros), begins.join(" "))
            })
            .collect();
        calls.sort_by_key(|(duration, _)| std::cmp::Reverse(*duration));
        Ok(calls)
    }

    async fn info(&mut self, section: &str) -> anyhow::Result<String> {
        self.ask(redis::cmd("INFO").arg(section)).await
    }

    async fn ask<T: redis::FromRedisValue>(&mut self, command: &redis::Cmd) -> anyhow::Result<T> {
        let asking = command.query_async(&mut self.connection);
        let answer = tokio::time::timeout(REDIS_DEADLINE, asking).await;
        answer
            .context("Redis does not answer")?
            .context("Redis refuses a question")
    }
}

/// The version of the server, or why it is not known.
pub(crate) async fn version(url: &str) -> String {
    let Ok(mut info) = RedisInfo::connect(url).await else {
        return "more than one server".to_owned();
    };
    let text = info.info("server").await.unwrap_or_default();
    let find = |name| text.lines().find_map(|line| line.strip_prefix(name));
    // Valkey tells its own version besides the Redis version that it is compatible with.
    match (find("valkey_version:"), find("redis_version:")) {
        (Some(version), _) => format!("Valkey {version}"),
        (None, version) => version.unwrap_or("unknown").to_owned(),
    }
}

/// Sums `cmdstat_<command>:calls=…` over all commands but INFO, which is asked here (and, once a batch, by joins), and the seconds of
/// `used_cpu_user:…` and `used_cpu_sys:…`.
fn parse_work(text: &str) -> Work {
    let mut work = Work {
        commands: 0,
        processor: Duration::ZERO,
    };
    for (name, value) in text
        .lines()
        .filter_map(|line| line.trim_end().split_once(':'))
    {
        if let Some(command) = name.strip_prefix("cmdstat_") {
            let calls = value
                .split(',')
                .find_map(|field| field.strip_prefix("calls="));
            let counted = command != "info";
            let calls = calls
                .filter(|_| counted)
                .and_then(|calls| calls.parse().ok());
            work.commands += calls.unwrap_or(0_u64);
        } else if matches!(name, "used_cpu_user" | "used_cpu_sys") {
            let seconds = value
                .parse()
                .ok()
                .and_then(|value| Duration::try_from_secs_f64(value).ok());
            work.processor += seconds.unwrap_or_default();
        }
    }
    work
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "# CPU\r\nused_cpu_sys:0.5\r\nused_cpu_user:1.25\r\nused_cpu_sys_children:9\r\n\
        # Commandstats\r\ncmdstat_evalsha:calls=10,usec=100,rejected_calls=0\r\n\
        cmdstat_info:calls=7,usec=70\r\ncmdstat_config|get:calls=2,usec=1\r\n";

    #[test]
    fn all_commands_are_counted_but_our_own() {
        let work = parse_work(INFO);
        assert_eq!(work.commands, 12);
        assert_eq!(work.processor, Duration::from_millis(1_750));
    }

    #[test]
    fn an_empty_answer_is_no_work() {
        assert_eq!(parse_work("").commands, 0);
    }
}
