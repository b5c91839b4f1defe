//! One booking API in this process: its own database and gateway, the run's Redis, a port of its own.

mod starting;
mod tokens;
mod world;

use std::time::{Duration, Instant};

use booking_api::app::{App, StartError};
use devstack::keys::Keys;
use devstack::test_stores;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use shared::ids::RoomName;
use shared::readiness::Readiness;
use shared::shutdown::Shutdown;
use sqlx::{ConnectOptions, PgPool};
use tokio::net::TcpListener;
use uuid::Uuid;

use self::starting::{replica_url, separate_from_other_tests, settings, start_app};
pub(crate) use self::world::hall;
use crate::answer::Answer;
use crate::gateway::TestGateway;

/// Whatever is waited for comes within this, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running API.
pub(crate) struct TestApi {
    pub(crate) pool: PgPool,
    pub(crate) gateway: TestGateway,
    pub(crate) room: RoomName,
    pub(crate) shutdown: Shutdown,
    /// A performance on sale in `room`: rows A and B of tier R, row C of tier S, ten seats each.
    pub(crate) performance: i64,
    pub(crate) base: String,
    client: Client,
    keys: Keys,
}

/// What a test changes about the API it starts.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) flags: Vec<String>,
    pub(crate) redis_url: Option<String>,
}

impl TestApi {
    /// With settings that make waiting short.
    pub(crate) async fn start(pool: PgPool) -> Self {
        Self::start_with(pool, &[]).await
    }

    /// With further flags.
    pub(crate) async fn start_with(pool: PgPool, flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self::start_as(
            pool,
            Options {
                flags,
                redis_url: None,
            },
        )
        .await
    }

    pub(crate) async fn start_as(pool: PgPool, options: Options) -> Self {
        shared::tokens::install_crypto_provider();
        separate_from_other_tests(&pool).await;
        let gateway = TestGateway::start().await;
        let keys = Keys::in_folder(&test_stores::keys_dir());
        let settings = settings(&pool, &gateway, &keys, options);
        let shutdown = Shutdown::new();
        let app = start_app(settings, &shutdown).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        booking_api::serve::serve(&app, listener, &Readiness::default(), &shutdown);
        let room = format!("r-{}", Uuid::new_v4().simple()).parse().unwrap();
        let mut api = Self {
            pool,
            gateway,
            room,
            shutdown,
            performance: 0,
            base,
            client: client(),
            keys,
        };
        api.performance = api.make_performance(&json!({})).await;
        api
    }

    /// A second API on the same database, as another instance would be.
    pub(crate) async fn another_instance(&self, flags: &[&str]) -> (String, Shutdown) {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let settings = settings(
            &self.pool,
            &self.gateway,
            &self.keys,
            Options {
                flags,
                redis_url: None,
            },
        );
        let shutdown = Shutdown::new();
        let app = start_app(settings, &shutdown).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        booking_api::serve::serve(&app, listener, &Readiness::default(), &shutdown);
        (base, shutdown)
    }

    /// Whether a second API would start with further flags.
    pub(crate) async fn try_another_instance(&self, flags: &[&str]) -> Result<(), StartError> {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let settings = settings(
            &self.pool,
            &self.gateway,
            &self.keys,
            Options {
                flags,
                redis_url: None,
            },
        );
        App::start(settings, &self.shutdown).await.map(drop)
    }

    /// The keys of this run.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where the replica has this test's database.
    pub(crate) fn replica_url(&self) -> String {
        replica_url(&self.pool)
    }

    /// A request without anybody's token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::read(
            self.request(Method::POST, path)
                .json(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Polls until `check` says so.
    pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, check: impl Fn() -> F) {
        let give_up_at = Instant::now() + PATIENCE;
        while !check().await {
            assert!(
                Instant::now() < give_up_at,
                "not within {PATIENCE:?}: {what}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for TestApi {
    /// The database goes with the test, connections and all; kept when the test has failed.
    fn drop(&mut self) {
        self.shutdown.soft().cancel();
        self.shutdown.hard().cancel();
        if std::thread::panicking() {
            return;
        }
        let options = self.pool.connect_options().as_ref().clone();
        let name = options.get_database().unwrap_or_default().to_owned();
        let drop_it = async move {
            let options = options.database("postgres");
            let mut connection = options.connect().await.expect("the server still runs");
            let sql = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .expect("nobody else uses it");
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        std::thread::spawn(move || runtime.block_on(drop_it))
            .join()
            .expect("it was dropped");
    }
}

fn client() -> Client {
    Client::builder()
        .timeout(PATIENCE)
        .no_proxy()
        .build()
        .unwrap()
}
