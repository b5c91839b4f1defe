//! How an API is started in a test.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use booking_api::app::{App, SharedApp, StartError};
use booking_api::settings::{Cli, Command, ServeArgs};
use clap::Parser;
use devstack::keys::Keys;
use devstack::test_stores;
use shared::readiness::Readiness;
use shared::shutdown::Shutdown;
use sqlx::{ConnectOptions, PgPool};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::{Options, PATIENCE};
use crate::gateway::TestGateway;

/// Redis is shared by all tests, and named there by the ids of the database: these begin somewhere else in each.
pub(super) async fn separate_from_other_tests(pool: &PgPool) {
    let first = i64::from(Uuid::new_v4().as_fields().0) * 1_000;
    for sequence in ["performance_id_seq", "concert_id_seq"] {
        sqlx::query("SELECT setval($1::regclass, $2)")
            .bind(sequence)
            .bind(first)
            .execute(pool)
            .await
            .unwrap();
    }
}

pub(super) fn settings(
    pool: &PgPool,
    gateway: &TestGateway,
    keys: &Keys,
    options: Options,
) -> ServeArgs {
    let file = |path: &PathBuf| path.display().to_string();
    let usual = [
        (
            "--database-url",
            pool.connect_options().to_url_lossy().to_string(),
        ),
        ("--replica-url", replica_url(pool)),
        (
            "--redis-url",
            options.redis_url.unwrap_or_else(test_stores::redis_url),
        ),
        ("--gateway-url", gateway.base.clone()),
        ("--user-jwks", file(&keys.user_jwks)),
        ("--user-keys", file(&keys.user)),
        ("--admission-jwks", file(&keys.admission_jwks)),
        ("--waiting-room-url", "http://line.test".to_owned()),
        // Many tests run at once on one server.
        ("--database-connections", "6".to_owned()),
        ("--replica-connections", "1".to_owned()),
        ("--outbox-interval-ms", "50".to_owned()),
        // Each beat takes one of few connections for a moment.
        ("--shop-beat-ms", "0".to_owned()),
        ("--retry-after-ms", "50".to_owned()),
        ("--retry-after-most-ms", "200".to_owned()),
    ];
    let mut words = vec!["booking-api".to_owned(), "serve".to_owned()];
    // What a test says for itself replaces what is usual.
    let overridden = |flag: &str| options.flags.iter().any(|given| given == flag);
    for (flag, value) in usual {
        if !overridden(flag) {
            words.extend([flag.to_owned(), value]);
        }
    }
    words.extend(options.flags.clone());
    match Cli::try_parse_from(words).expect("the flags exist").command {
        Command::Serve(settings) => *settings,
        Command::Migrate(_) => unreachable!("serve was asked for"),
    }
}

pub(super) fn replica_url(pool: &PgPool) -> String {
    let options = pool.connect_options();
    let mut url: reqwest::Url = test_stores::replica_url().parse().unwrap();
    url.set_path(options.get_database().unwrap());
    url.to_string()
}

/// The replica is a moment behind: it may not know the database yet.
async fn start_app(settings: ServeArgs, shutdown: &Shutdown) -> SharedApp {
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        match App::start(settings.clone(), shutdown).await {
            Ok(app) => return app,
            Err(StartError::Database(_)) if Instant::now() < give_up_at => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("the API does not start: {error:?}"),
        }
    }
}

/// Starts an API on a port of its own; its address, and what ends it.
pub(super) async fn serve(settings: ServeArgs) -> (SharedApp, String, Shutdown) {
    let shutdown = Shutdown::new();
    let app = start_app(settings, &shutdown).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    booking_api::serve::serve(&app, listener, &Readiness::default(), &shutdown);
    (app, base, shutdown)
}
