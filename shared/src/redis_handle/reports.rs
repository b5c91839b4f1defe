//! What the servers behind the handle say about themselves: for a check-up, not for the line.

use std::collections::HashMap;

use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Cmd, FromRedisValue, RedisResult, Value, from_redis_value};

use super::{Connection, Redis, StoreError};

/// One server: the only one, or a master of a Cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerReport {
    /// Its address where there are several, else nothing.
    pub address: String,
    /// What `INFO` says, by name.
    pub info: HashMap<String, String>,
    /// What `CONFIG GET` says, by name; `None` where it is not allowed, as with most hosted ones.
    pub settings: Option<HashMap<String, String>>,
}

impl Redis {
    /// Asks every master how it is and how the settings `names` are set.
    pub async fn server_reports(&self, names: &[&str]) -> Result<Vec<ServerReport>, StoreError> {
        let infos: Vec<(String, String)> = self.ask_every_server(&redis::cmd("INFO")).await?;
        let mut get = redis::cmd("CONFIG");
        get.arg("GET").arg(names);
        let mut settings = match self.ask_every_server(&get).await {
            Ok(settings) => Some(settings.into_iter().collect::<HashMap<_, _>>()),
            Err(StoreError::Refused(_)) => None,
            Err(error) => return Err(error),
        };
        let reports = infos.into_iter().map(|(address, info)| ServerReport {
            settings: settings.as_mut().and_then(|all| all.remove(&address)),
            info: parse_info(&info),
            address,
        });
        Ok(reports.collect())
    }

    /// The answers of all masters, each with its address; of a single server without one.
    async fn ask_every_server<T: FromRedisValue>(
        &self,
        command: &Cmd,
    ) -> Result<Vec<(String, T)>, StoreError> {
        self.bounded(async |connection| match connection {
            Connection::Single(single) => {
                let answer = command.query_async(single).await?;
                Ok(vec![(String::new(), answer)])
            }
            Connection::Cluster(cluster) => {
                let masters = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                by_address(cluster.route_command(command.clone(), masters).await?)
            }
        })
        .await
    }
}

fn by_address<T: FromRedisValue>(answers: Value) -> RedisResult<Vec<(String, T)>> {
    let answers: HashMap<String, Value> = from_redis_value(answers)?;
    let answers = answers
        .into_iter()
        .map(|(address, answer)| Ok((address, from_redis_value(answer)?)));
    answers.collect()
}

/// `name:value` lines below `# headings`.
fn parse_info(text: &str) -> HashMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_read_by_name() {
        let info = parse_info(
            "# Server\r\nredis_version:7.0.15\r\nos:Linux 6.1\r\n\r\n# Memory\r\nmaxmemory:0\r\n",
        );
        assert_eq!(info["redis_version"], "7.0.15");
        assert_eq!(info["maxmemory"], "0");
        assert_eq!(info.len(), 3);
    }
}
