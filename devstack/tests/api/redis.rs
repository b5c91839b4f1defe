//! Redis servers and clusters.

use devstack::{
    process::Identity,
    stores::{RedisCluster, RedisServer},
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
