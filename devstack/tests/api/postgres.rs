//! PostgreSQL servers: a primary and its streaming replica.

use std::time::{Duration, Instant};

use devstack::{
    process::Identity,
    stores::{Durability, Postgres},
    test_stores::servers,
};
use sqlx::{Connection, PgConnection, query, query_scalar};

use crate::folder::Folder;

async fn connect(server: &Postgres) -> PgConnection {
    PgConnection::connect(&server.url()).await.unwrap()
}

/// What the replica sees of the table, asked until it is `expected`.
async fn until_count(connection: &mut PgConnection, expected: i64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let count = query_scalar::<_, i64>("SELECT count(*) FROM seat")
            .fetch_one(&mut *connection)
            .await;
        match count {
            Ok(count) if count == expected => return,
            other => assert!(
                Instant::now() < deadline,
                "the replica still says {other:?}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_replica_follows_its_primary_and_takes_no_writes() {
    let folder = Folder::new();
    let mut primary =
        Postgres::start_primary(servers(), folder.join("primary"), Durability::PowerLoss).unwrap();
    let mut replica = Postgres::start_replica(servers(), folder.join("replica"), &primary).unwrap();

    let mut writer = connect(&primary).await;
    query("CREATE TABLE seat (name text)")
        .execute(&mut writer)
        .await
        .unwrap();
    query("INSERT INTO seat VALUES ('A-1'), ('A-2')")
        .execute(&mut writer)
        .await
        .unwrap();

    let mut reader = connect(&replica).await;
    until_count(&mut reader, 2).await;
    let in_recovery: bool = query_scalar("SELECT pg_is_in_recovery()")
        .fetch_one(&mut reader)
        .await
        .unwrap();
    assert!(in_recovery);
    assert!(
        query("DELETE FROM seat")
            .execute(&mut reader)
            .await
            .is_err()
    );

    // Both come back after a crash, at their addresses, and the one still follows the other.
    primary.kill().unwrap();
    replica.kill().unwrap();
    primary.restart().unwrap();
    replica.restart().unwrap();
    let mut writer = connect(&primary).await;
    query("INSERT INTO seat VALUES ('A-3')")
        .execute(&mut writer)
        .await
        .unwrap();
    until_count(&mut connect(&replica).await, 3).await;
}

#[tokio::test]
async fn what_was_committed_survives_the_death_of_postgres() {
    let folder = Folder::new();
    let mut primary =
        Postgres::start_primary(servers(), folder.path(), Durability::PowerLoss).unwrap();
    let mut connection = connect(&primary).await;
    for (setting, expected) in [
        ("fsync", "on"),
        ("wal_level", "replica"),
        ("synchronous_commit", "on"),
    ] {
        let value: String = query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(value, expected, "{setting}");
    }
    query("CREATE TABLE seat (name text)")
        .execute(&mut connection)
        .await
        .unwrap();
    query("INSERT INTO seat VALUES ('A-1')")
        .execute(&mut connection)
        .await
        .unwrap();

    let identity = Identity::of(primary.pid().unwrap()).unwrap();
    primary.kill().unwrap();
    assert!(!identity.is_alive());

    primary.restart().unwrap();
    until_count(&mut connect(&primary).await, 1).await;
}

#[tokio::test]
async fn nobody_comes_in_without_the_password() {
    let folder = Folder::new();
    let primary = Postgres::start_primary(servers(), folder.path(), Durability::PowerLoss).unwrap();
    let port = primary.port();
    let bare = format!("postgres://onsale@127.0.0.1:{port}/onsale?sslmode=disable");
    let wrong = format!("postgres://onsale:guess@127.0.0.1:{port}/onsale?sslmode=disable");
    assert!(PgConnection::connect(&bare).await.is_err());
    assert!(PgConnection::connect(&wrong).await.is_err());
    assert!(
        PgConnection::connect(&primary.url_of("postgres"))
            .await
            .is_ok()
    );
}
