//! One booking API in this process: its own database and gateway, the run's Redis, a port of its own.

mod starting;
mod tokens;
mod world;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use booking_api::app::{App, SharedApp, StartError};
use booking_api::settings::ServeArgs;
use devstack::keys::Keys;
use devstack::test_stores;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use shared::ids::RoomName;
use shared::shutdown::Shutdown;
use sqlx::PgPool;
use uuid::Uuid;

use self::starting::{replica_url, separate_from_other_tests, serve, settings};
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
    /// All instances, with what ends them.
    apps: Mutex<Vec<(SharedApp, Shutdown)>>,
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
        let (app, base, shutdown) = serve(settings).await;
        let room = format!("r-{}", Uuid::new_v4().simple()).parse().unwrap();
        let mut api = Self {
            pool,
            gateway,
            room,
            performance: 0,
            base,
            client: client(),
            keys,
            apps: vec![(app, shutdown.clone())].into(),
            shutdown,
        };
        api.performance = api.make_performance(&json!({})).await;
        api
    }

    /// A second API on the same database, as another instance would be.
    pub(crate) async fn another_instance(&self, flags: &[&str]) -> (String, Shutdown) {
        let (app, base, shutdown) = serve(self.settings(flags)).await;
        self.apps.lock().unwrap().push((app, shutdown.clone()));
        (base, shutdown)
    }

    /// Whether a second API would start with further flags.
    pub(crate) async fn try_another_instance(&self, flags: &[&str]) -> Result<(), StartError> {
        App::start(self.settings(flags), &self.shutdown)
            .await
            .map(drop)
    }

    fn settings(&self, flags: &[&str]) -> ServeArgs {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        settings(
            &self.pool,
            &self.gateway,
            &self.keys,
            Options {
                flags,
                redis_url: None,
            },
        )
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

    /// Until step P of one payment has been committed.
    pub(crate) async fn until_one_is_being_paid(&self) {
        Self::eventually("it is being paid", async || {
            self.count("SELECT count(*) FROM hold WHERE state = 'PAYING'")
                .await
                == 1
        })
        .await;
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
    /// Ends everything that was started, so that nobody uses the database any more when the test's end drops it. That end
    /// waits for the connections to be closed; it must not be held up here, because closing takes this thread's runtime.
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    fn drop(&mut self) {
        for (app, shutdown) in self.apps.lock().unwrap().drain(..) {
            shutdown.soft().cancel();
            shutdown.hard().cancel();
            tokio::spawn(async move { app.close().await });
        }
    }
}

fn client() -> Client {
    Client::builder()
        .timeout(PATIENCE)
        .no_proxy()
        .build()
        .unwrap()
}
