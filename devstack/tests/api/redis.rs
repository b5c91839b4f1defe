//! Redis servers and clusters.

use std::time::{Duration, Instant};

use devstack::{
    process::Identity,
    stores::{RedisCluster, RedisSentinels, RedisServer},
    test_stores::servers,
};
use redis::{Commands, Connection};

use crate::folder::Folder;

fn connect(url: &str) -> Connection {
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

#[test]
fn a_restarted_redis_is_at_the_same_address_with_its_data() {
    let folder = Folder::new();
    let mut server = RedisServer::start(servers(), folder.path()).unwrap();
    let _: () = connect(&server.url()).set("seat", "A-12").unwrap();
    let (url, first) = (server.url(), server.pid());

    server.restart().unwrap();

    assert_eq!(server.url(), url);
    assert_ne!(server.pid(), first);
    let seat: String = connect(&url).get("seat").unwrap();
    assert_eq!(seat, "A-12");
}

#[test]
fn a_killed_redis_is_gone_until_it_is_restarted() {
    let folder = Folder::new();
    let mut server = RedisServer::start(servers(), folder.path()).unwrap();
    let identity = Identity::of(server.pid().unwrap()).unwrap();

    server.kill().unwrap();
    assert!(!identity.is_alive());
    assert_eq!(server.pid(), None);
    assert!(
        redis::Client::open(server.url())
            .unwrap()
            .get_connection()
            .is_err()
    );

    server.restart().unwrap();
    let _: () = connect(&server.url()).set("seat", "A-12").unwrap();
}

#[test]
fn redis_is_set_never_to_forget() {
    let folder = Folder::new();
    let server = RedisServer::start(servers(), folder.path()).unwrap();
    let mut connection = connect(&server.url());
    for (setting, expected) in [
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("maxmemory-policy", "noeviction"),
    ] {
        let (_, value): (String, String) = redis::cmd("CONFIG")
            .arg("GET")
            .arg(setting)
            .query(&mut connection)
            .unwrap();
        assert_eq!(value, expected, "{setting}");
    }
}

#[test]
fn a_dropped_redis_has_ended_and_its_note_with_it() {
    let folder = Folder::new();
    let server = RedisServer::start(servers(), folder.path()).unwrap();
    let identity = Identity::of(server.pid().unwrap()).unwrap();
    assert!(folder.join("redis.process").is_file());

    drop(server);

    assert!(!identity.is_alive());
    assert!(!folder.join("redis.process").exists());
}

#[test]
fn three_nodes_form_a_cluster_that_keeps_every_slot() {
    let folder = Folder::new();
    let mut cluster = RedisCluster::start(servers(), folder.path(), 3).unwrap();
    let nodes = cluster.nodes().iter().map(RedisServer::url);
    let client = redis::cluster::ClusterClient::new(nodes).unwrap();
    let mut connection = client.get_connection().unwrap();
    for seat in 0..100 {
        let _: () = connection.set(format!("seat-{seat}"), seat).unwrap();
    }
    let kept: Vec<usize> = cluster
        .nodes()
        .iter()
        .map(|n| redis::cmd("DBSIZE").query(&mut connect(&n.url())).unwrap())
        .collect();
    assert_eq!(kept.iter().sum::<usize>(), 100);
    assert!(
        kept.iter().all(|keys| *keys > 0),
        "each node has some of the keys: {kept:?}"
    );
}

#[test]
fn a_cluster_is_well_again_when_its_lost_node_is_back() {
    let folder = Folder::new();
    let mut cluster = RedisCluster::start(servers(), folder.path(), 3).unwrap();
    cluster.nodes()[1].kill().unwrap();
    cluster.nodes()[1].restart().unwrap();
    cluster.wait_until_ok().unwrap();
}

#[test]
fn sentinels_put_the_replica_in_the_place_of_a_dead_primary() {
    let folder = Folder::new();
    let mut redis = RedisSentinels::start(servers(), folder.path()).unwrap();
    let first = redis.servers()[0].port();
    assert_eq!(primary(&redis.url()), first);
    let _: () = connect(&redis.servers()[0].url())
        .set("seat", "A-12")
        .unwrap();
    let replicas: usize = redis::cmd("WAIT")
        .arg(&[1, 5_000])
        .query(&mut connect(&redis.servers()[0].url()))
        .unwrap();
    assert_eq!(replicas, 1);

    redis.servers()[0].kill().unwrap();

    let deadline = Instant::now() + Duration::from_secs(30);
    while primary(&redis.url()) == first {
        assert!(
            Instant::now() < deadline,
            "nobody took the place of the dead primary"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(primary(&redis.url()), redis.servers()[1].port());
    let seat: String = connect(&redis.servers()[1].url()).get("seat").unwrap();
    assert_eq!(seat, "A-12");
}

/// The port of the primary, as the first sentinel of the address tells it.
fn primary(url: &str) -> u16 {
    let rest = url.strip_prefix("redis+sentinel://").unwrap();
    let (sentinels, name) = rest.split_once('/').unwrap();
    let sentinel = sentinels.split(',').next().unwrap();
    let (_, port): (String, u16) = redis::cmd("SENTINEL")
        .arg(&["GET-MASTER-ADDR-BY-NAME", name])
        .query(&mut connect(&format!("redis://{sentinel}")))
        .unwrap();
    port
}
