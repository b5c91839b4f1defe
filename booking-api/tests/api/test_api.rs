//! One booking API in this process: its own database and gateway, the run's Redis, a port of its own.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use booking_api::app::{App, StartError};
use booking_api::settings::{Cli, Command, ServeArgs};
use clap::Parser;
use devstack::keys::Keys;
use devstack::test_stores;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use shared::clock;
use shared::ids::{Jti, Number, RoomName};
use shared::readiness::Readiness;
use shared::redis_handle::Redis;
use shared::room::Line;
use shared::shutdown::Shutdown;
use shared::tokens::ISSUER;
use shared::tokens::admission::{AdmissionClaims, AdmissionSigner};
use shared::tokens::user::{Role, UserClaims, UserSigner};
use sqlx::{ConnectOptions, PgPool};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::answer::Answer;
use crate::buyer::Buyer;
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
        Self::start_as(pool, Options { flags, redis_url: None }).await
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
        let mut api = Self { pool, gateway, room, shutdown, performance: 0, base, client: client(), keys };
        api.performance = api.make_performance(&json!({})).await;
        api
    }

    /// A second API on the same database, as another instance would be.
    pub(crate) async fn another_instance(&self, flags: &[&str]) -> (String, Shutdown) {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let settings = settings(&self.pool, &self.gateway, &self.keys, Options { flags, redis_url: None });
        let shutdown = Shutdown::new();
        let app = start_app(settings, &shutdown).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        booking_api::serve::serve(&app, listener, &Readiness::default(), &shutdown);
        (base, shutdown)
    }

    /// A request without anybody's token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::read(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    /// Somebody who has signed in elsewhere, without a session of ours, and has not stood in line.
    pub(crate) fn user(&self) -> Buyer<'_> {
        let id = format!("user-{}", Uuid::new_v4());
        Buyer { api: self, token: self.user_token(&id, None), id, admission: None }
    }

    /// A user who has been let into the room.
    pub(crate) fn admitted_buyer(&self) -> Buyer<'_> {
        let mut buyer = self.user();
        buyer.admission = Some(self.admission_token(&self.admission(&buyer.id)));
        buyer
    }

    pub(crate) fn organiser(&self) -> Buyer<'_> {
        let id = "organiser-1".to_owned();
        Buyer { api: self, token: self.user_token(&id, Some(Role::Organiser)), id, admission: None }
    }

    pub(crate) fn user_token(&self, id: &str, role: Option<Role>) -> String {
        let iat = clock::now_seconds();
        let claims = UserClaims {
            iss: ISSUER.to_owned(),
            sub: id.parse().unwrap(),
            sid: None,
            role,
            iat,
            exp: iat + 600,
        };
        self.sign_user(&claims)
    }

    pub(crate) fn sign_user(&self, claims: &UserClaims) -> String {
        UserSigner::open(&self.keys.user).unwrap().sign(claims).unwrap()
    }

    /// What the gatekeeper would sign for somebody it lets into the room.
    pub(crate) fn admission(&self, visitor: &str) -> AdmissionClaims {
        let iat = clock::now_seconds();
        AdmissionClaims {
            iss: ISSUER.to_owned(),
            sub: visitor.parse().unwrap(),
            aud: self.room.clone(),
            num: Number(1),
            jti: Jti::mint(),
            iat,
            nbf: iat,
            exp: iat + 600,
        }
    }

    pub(crate) fn admission_token(&self, claims: &AdmissionClaims) -> String {
        AdmissionSigner::open(&self.keys.admission).unwrap().sign(claims).unwrap()
    }

    /// The line in Redis that the gatekeeper would work on.
    pub(crate) async fn line(&self) -> Line {
        let url = test_stores::redis_url().parse().unwrap();
        let redis = Redis::connect(&url, Duration::from_secs(2), &self.shutdown);
        redis.wait_connected(PATIENCE).await.unwrap();
        Line::new(redis, self.room.clone())
    }

    /// Another performance of the same kind, with `changes` to what is usual.
    pub(crate) async fn make_performance(&self, changes: &Value) -> i64 {
        let organiser = self.organiser();
        let concert = organiser.post("/v1/admin/concerts", &json!({"title": "Spring", "venue": "Hall"})).await;
        let layout = organiser.post("/v1/admin/layouts", &hall()).await.json();
        let mut new = json!({
            "concert": concert.expect_created()["id"],
            "layout": layout["hash"],
            "room": self.room,
            "starts_at": "2099-12-24T11:00:00Z",
            "tiers": [
                {"tier": "R", "price": {"amount": 110_000, "currency": "KRW"}},
                {"tier": "S", "price": {"amount": 70_000, "currency": "KRW"}}
            ]
        });
        new.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let made = organiser.post("/v1/admin/performances", &new).await.expect_created();
        made["id"].as_i64().unwrap()
    }

    /// Polls until `check` says so.
    pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, check: impl Fn() -> F) {
        let give_up_at = Instant::now() + PATIENCE;
        while !check().await {
            assert!(Instant::now() < give_up_at, "not within {PATIENCE:?}: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes the holds of the performance as old as if `seconds` more had passed.
    pub(crate) async fn age_holds(&self, seconds: f64) {
        let age = |sql| sqlx::query(sql).bind(seconds).execute(&self.pool);
        age("UPDATE seat SET hold_expires_at = hold_expires_at - make_interval(secs => $1) WHERE hold_id IS NOT NULL")
            .await
            .unwrap();
        age("UPDATE hold SET expires_at = expires_at - make_interval(secs => $1),
                expires_before_paying = expires_before_paying - make_interval(secs => $1),
                pay_deadline = pay_deadline - make_interval(secs => $1),
                created_at = created_at - make_interval(secs => $1)")
            .await
            .unwrap();
    }

    /// One number from the database.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// Marks in Redis of seats just taken would outlive what a test makes of the clock.
    pub(crate) async fn forget_marks(&self) {
        let url = test_stores::redis_url().parse().unwrap();
        let redis = Redis::connect(&url, Duration::from_secs(2), &self.shutdown);
        redis.wait_connected(PATIENCE).await.unwrap();
        for seat in 0..30 {
            let key = format!("onsale:seats:{{{}}}:{seat}", self.performance);
            redis.query::<i64>(redis::cmd("DEL").arg(key)).await.unwrap();
        }
    }
}

/// Two rows of R, one of S, ten seats each.
pub(crate) fn hall() -> Value {
    let row = |name: &str, y: i32, tier: &str| {
        let seats: Vec<_> = (1..=10).map(|number| json!({"number": number, "x": number, "y": y})).collect();
        json!({"name": name, "tier": tier, "seats": seats})
    };
    json!({"name": "Hall", "sections": [{"name": "Floor", "rows": [row("A", 0, "R"), row("B", 1, "R"), row("C", 2, "S")]}]})
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
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.expect("nobody else uses it");
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        std::thread::spawn(move || runtime.block_on(drop_it)).join().expect("it was dropped");
    }
}

/// Redis is shared by all tests, and named there by the ids of the database: these begin somewhere else in each.
async fn separate_from_other_tests(pool: &PgPool) {
    let first = i64::from(Uuid::new_v4().as_fields().0) * 1_000;
    for sequence in ["performance_id_seq", "concert_id_seq"] {
        sqlx::query("SELECT setval($1::regclass, $2)").bind(sequence).bind(first).execute(pool).await.unwrap();
    }
}

pub(crate) fn settings(pool: &PgPool, gateway: &TestGateway, keys: &Keys, options: Options) -> ServeArgs {
    let options_of_pool = pool.connect_options();
    let database = options_of_pool.get_database().unwrap();
    let replica = test_stores::replica_url();
    let (replica, _) = replica.rsplit_once('/').unwrap();
    let file = |path: &PathBuf| path.display().to_string();
    let usual = [
        ("--database-url", options_of_pool.to_url_lossy().to_string()),
        ("--replica-url", format!("{replica}/{database}")),
        ("--redis-url", options.redis_url.unwrap_or_else(test_stores::redis_url)),
        ("--gateway-url", gateway.base.clone()),
        ("--user-jwks", file(&keys.user_jwks)),
        ("--user-keys", file(&keys.user)),
        ("--admission-jwks", file(&keys.admission_jwks)),
        ("--waiting-room-url", "http://line.test".to_owned()),
        // Many tests run at once on one server.
        ("--database-connections", "6".to_owned()),
        ("--replica-connections", "1".to_owned()),
        ("--outbox-interval-ms", "50".to_owned()),
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

/// The replica is a moment behind: it may not know the database yet.
async fn start_app(settings: ServeArgs, shutdown: &Shutdown) -> booking_api::app::SharedApp {
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

fn client() -> Client {
    Client::builder().timeout(PATIENCE).no_proxy().build().unwrap()
}
