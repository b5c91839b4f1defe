//! A Redis Cluster of primaries on one machine, put together without redis-cli (the wheel has none).

use std::{
    path::Path,
    time::{Duration, Instant},
};

use redis::{Connection, RedisResult, cmd};

use super::{RedisServer, StoreError, redis_server::connect};
use crate::{ports, process::POLL_EVERY, servers::Servers};

/// Hash slots of every cluster (Redis Cluster specification, "Key distribution model").
const SLOTS: usize = 16_384;

/// Seconds in which the nodes must have found each other. Gossip takes a few.
const FORMED_WITHIN_SECONDS: u64 = 60;

/// Milliseconds after which a silent node counts as gone: short, because tests kill nodes.
const NODE_TIMEOUT_MS: u32 = 2_000;

/// A private Redis Cluster.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts `nodes` primaries that share the slots evenly, and waits until all agree on it.
    pub fn start(servers: &Servers, folder: &Path, nodes: usize) -> Result<Self, StoreError> {
        let nodes = (1..=nodes)
            .map(|number| start_node(servers, folder, number))
            .collect::<Result<Vec<_>, _>>()?;
        let mut cluster = Self { nodes };
        cluster.form()?;
        cluster.wait_until_ok()?;
        Ok(cluster)
    }

    /// `redis+cluster://127.0.0.1:PORT,127.0.0.1:PORT,…`
    pub fn url(&self) -> String {
        let nodes: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// The nodes, to be asked, stopped, killed or restarted one by one.
    pub fn nodes(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }

    /// Ends all nodes, so that the cluster can be let go.
    pub fn into_nodes(self) -> Vec<RedisServer> {
        self.nodes
    }

    /// Waits until every node says that the whole cluster is well.
    pub fn wait_until_ok(&mut self) -> Result<(), StoreError> {
        let deadline = Instant::now() + Duration::from_secs(FORMED_WITHIN_SECONDS);
        let expected = self.nodes.len();
        while !self.nodes.iter().all(|node| sees_all(node, expected)) {
            if Instant::now() > deadline {
                let what = "agreement of the nodes of the Redis Cluster";
                return Err(StoreError::Late {
                    what,
                    seconds: FORMED_WITHIN_SECONDS,
                });
            }
            std::thread::sleep(POLL_EVERY);
        }
        Ok(())
    }

    fn form(&mut self) -> Result<(), StoreError> {
        let refused = |doing| move |source| StoreError::Redis { doing, source };
        let first_bus = bus_port(&self.nodes[0]).map_err(refused("tell its bus port"))?;
        let first = self.nodes[0].port();
        for (index, node) in self.nodes.iter().enumerate() {
            let mut connection = connect(node.port()).map_err(refused("take a connection"))?;
            take_slots(&mut connection, index, self.nodes.len()).map_err(refused("take slots"))?;
            if index > 0 {
                cmd("CLUSTER")
                    .arg(&["MEET", "127.0.0.1"])
                    .arg(first)
                    .arg(first_bus)
                    .exec(&mut connection)
                    .map_err(refused("meet the first node"))?;
            }
        }
        Ok(())
    }
}

fn start_node(servers: &Servers, folder: &Path, number: usize) -> Result<RedisServer, StoreError> {
    let name = format!("redis-{number}");
    // The usual bus port, ten thousand above, may not be free or not exist.
    let bus = ports::free()?;
    RedisServer::start_with(servers, &folder.join(&name).into(), &name, |_| {
        [
            ("--cluster-enabled", "yes".to_owned()),
            ("--cluster-config-file", "nodes.conf".to_owned()),
            ("--cluster-node-timeout", NODE_TIMEOUT_MS.to_string()),
            ("--cluster-port", bus.to_string()),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect()
    })
}

fn take_slots(connection: &mut Connection, index: usize, nodes: usize) -> RedisResult<()> {
    let (from, behind) = (index * SLOTS / nodes, (index + 1) * SLOTS / nodes);
    // Epochs of their own spare the nodes an election over who is who.
    cmd("CLUSTER")
        .arg("SET-CONFIG-EPOCH")
        .arg(index + 1)
        .exec(connection)?;
    cmd("CLUSTER")
        .arg("ADDSLOTSRANGE")
        .arg(from)
        .arg(behind - 1)
        .exec(connection)
}

fn bus_port(node: &RedisServer) -> RedisResult<u16> {
    let (_, port): (String, u16) = cmd("CONFIG")
        .arg(&["GET", "cluster-port"])
        .query(&mut connect(node.port())?)?;
    Ok(port)
}

fn sees_all(node: &RedisServer, nodes: usize) -> bool {
    let info =
        connect(node.port()).and_then(|mut c| cmd("CLUSTER").arg("INFO").query::<String>(&mut c));
    let expected = [
        "cluster_state:ok".to_owned(),
        format!("cluster_known_nodes:{nodes}"),
    ];
    info.is_ok_and(|info| {
        expected
            .iter()
            .all(|fact| info.lines().any(|line| line.trim() == fact))
    })
}
