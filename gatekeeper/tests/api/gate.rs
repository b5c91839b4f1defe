//! A gatekeeper for one test, with a room of its own and visitors that speak HTTP.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Parser;
use gatekeeper::config::Config;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use shared::ids::VisitorId;
use shared::readiness::Readiness;
use shared::redis_handle::Redis;
use shared::room::{Line, NewRoom, PromotionLimits};
use shared::shutdown::Shutdown;
use shared::tokens::user::{UserClaims, UserSigner};
use shared::tokens::{ISSUER, install_crypto_provider};
use tokio::net::TcpListener;

/// What a test waits for at most; far more than anything takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A running gatekeeper and a room.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    pub(crate) line: Line,
    pub(crate) shutdown: Shutdown,
    pub(crate) http: reqwest::Client,
    users: UserSigner,
}

/// A gatekeeper, ready or not.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    readiness: Readiness,
}

impl Process {
    pub(crate) async fn start(redis_url: &str, flags: &[&str]) -> Self {
        install_crypto_provider();
        let keys = devstack::test_stores::keys_dir();
        let path = |name: &str| keys.join(name).display().to_string();
        let fixed = [
            "gatekeeper",
            "--redis-url",
            redis_url,
            "--waiting-keys",
            &path("waiting"),
            "--admission-keys",
            &path("admission"),
            "--user-jwks",
            &path("user-jwks.json"),
            "--booking-url",
            "https://shop.example/{room}",
            "--drain-delay-ms",
            "0",
        ];
        // Tests ask in loops, all from one address, as nobody should.
        let patience = [
            ["--early-polls", "allow"],
            ["--address-requests-per-second", "0"],
        ];
        let patient = patience.iter().filter(|[flag, _]| !flags.contains(flag));
        let patient = patient.flatten();
        let config = Config::parse_from(fixed.iter().chain(patient).chain(flags));
        let (shutdown, readiness) = (Shutdown::new(), Readiness::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (watched, stopping) = (readiness.clone(), shutdown.clone());
        shutdown.spawn_background("gatekeeper", async move {
            gatekeeper::run(config, listener, &watched, stopping)
                .await
                .unwrap();
        });
        Self {
            address,
            shutdown,
            readiness,
        }
    }
}

impl Process {
    /// What it is not ready for.
    pub(crate) fn unmet(&self) -> Vec<&'static str> {
        self.readiness.unmet()
    }
}

impl Gate {
    /// With the Redis of the test run and a fast room.
    pub(crate) async fn start() -> Self {
        Self::with(&devstack::test_stores::redis_url(), &fast_room(), &[]).await
    }

    pub(crate) async fn with_room(room: &NewRoom) -> Self {
        Self::with(&devstack::test_stores::redis_url(), room, &[]).await
    }

    pub(crate) async fn with(redis_url: &str, room: &NewRoom, flags: &[&str]) -> Self {
        let process = Process::start(redis_url, flags).await;
        let redis = Redis::connect(
            &redis_url.parse().unwrap(),
            Duration::from_secs(10),
            &process.shutdown,
        );
        redis.wait_connected(LONG).await.unwrap();
        let name = format!("g-{}-{:08x}", std::process::id(), rand::random::<u32>());
        let line = Line::new(redis.clone(), name.parse().unwrap());
        line.create(room).await.unwrap();
        // As if an admitter looked after it: a room without one tells its people so after a while.
        let in_an_hour = jiff::Timestamp::now().as_millisecond() + 3_600_000;
        let mut set = redis::cmd("HSET");
        set.arg(format!("onsale:{{{}}}:room", line.room()));
        set.arg("bucket_at_ms").arg(in_an_hour);
        redis.query::<i64>(&set).await.unwrap();
        let users = devstack::test_stores::keys_dir().join("user");
        let gate = Self {
            address: process.address,
            line,
            shutdown: process.shutdown.clone(),
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            users: UserSigner::open(&users).unwrap(),
        };
        let began = Instant::now();
        while !process.readiness.unmet().is_empty() || gate.get("").await.status() != StatusCode::OK
        {
            assert!(
                began.elapsed() < LONG,
                "the gatekeeper does not get ready: {:?}",
                process.readiness.unmet()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        gate
    }

    pub(crate) fn room_path(&self) -> String {
        format!("/v1/rooms/{}", self.line.room())
    }

    /// A request to a path below the room.
    pub(crate) fn request(&self, method: Method, below: &str) -> RequestBuilder {
        let url = format!("http://{}{}{below}", self.address, self.room_path());
        self.http.request(method, url)
    }

    pub(crate) async fn get(&self, below: &str) -> Response {
        self.request(Method::GET, below).send().await.unwrap()
    }

    /// A user token for `visitor`.
    pub(crate) fn user_token(&self, visitor: &str) -> String {
        let iat = jiff::Timestamp::now().as_second();
        let sub: VisitorId = visitor.parse().unwrap();
        let claims = UserClaims {
            iss: ISSUER.to_owned(),
            sub,
            sid: None,
            role: None,
            iat,
            exp: iat + 600,
        };
        self.users.sign(&claims).unwrap()
    }

    /// Joins as the user `visitor`.
    pub(crate) async fn try_join(&self, visitor: &str) -> Response {
        let token = self.user_token(visitor);
        self.request(Method::POST, "/visitors")
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
    }

    /// Joins and returns the visitor document.
    pub(crate) async fn join(&self, visitor: &str) -> Value {
        let response = self.try_join(visitor).await;
        assert!(response.status().is_success(), "{}", response.status());
        response.json().await.unwrap()
    }

    pub(crate) async fn try_poll(&self, token: &str) -> Response {
        self.request(Method::GET, "/visitors/me")
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn poll(&self, token: &str) -> Value {
        let response = self.try_poll(token).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub(crate) async fn leave(&self, token: &str) -> StatusCode {
        let request = self
            .request(Method::DELETE, "/visitors/me")
            .bearer_auth(token);
        request.send().await.unwrap().status()
    }

    /// Polls until `expected` holds, and returns that document.
    pub(crate) async fn poll_until(&self, token: &str, expected: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let document = self.poll(token).await;
            if expected(&document) {
                return document;
            }
            assert!(began.elapsed() < LONG, "last seen: {document}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets `count` visitors in. Returns how many promotions it took.
    pub(crate) async fn admit(&self, count: u64) -> u64 {
        let limits = PromotionLimits {
            tick: Duration::from_millis(50),
            at_once: 1,
        };
        let (began, mut promoted, mut calls) = (Instant::now(), 0, 0);
        while promoted < count {
            assert!(
                began.elapsed() < LONG,
                "only {promoted} of {count} were let in"
            );
            calls += 1;
            promoted += self.line.promote(limits).await.unwrap().unwrap().promoted;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        calls
    }

    /// Waits until `count` admissions that nobody claimed have run out.
    pub(crate) async fn expire(&self, count: u64) {
        let limits = PromotionLimits {
            tick: Duration::from_millis(50),
            at_once: 10,
        };
        let (began, mut expired) = (Instant::now(), 0);
        while expired < count {
            assert!(began.elapsed() < LONG, "only {expired} of {count} ran out");
            expired += self.line.promote(limits).await.unwrap().unwrap().expired;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Joins, is let in, and returns the admitted document and the waiting token.
    pub(crate) async fn admitted(&self, visitor: &str) -> (Value, String) {
        let token = text(&self.join(visitor).await, "token");
        self.admit(1).await;
        (
            self.poll_until(&token, |document| document["state"] == "admitted")
                .await,
            token,
        )
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shutdown.soft().cancel();
        self.shutdown.hard().cancel();
    }
}

/// Promotion as fast as a test calls for it.
pub(crate) fn fast_room() -> NewRoom {
    NewRoom {
        rate_per_second: Some(1_000.0),
        ..NewRoom::default()
    }
}

pub(crate) fn text(document: &Value, member: &str) -> String {
    document[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {document}"))
        .to_owned()
}

/// That `response` is the problem `slug`, complete, and leaks nothing.
pub(crate) async fn expect_problem(response: Response, status: u16, slug: &str) -> Value {
    assert_eq!(response.status().as_u16(), status, "expected {slug}");
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(response.headers().contains_key("x-request-id"));
    if status == 429 || status == 503 {
        assert!(
            response.headers().contains_key("retry-after"),
            "{slug} without Retry-After"
        );
    }
    let document: Value = response.json().await.unwrap();
    assert_eq!(document["type"], format!("/problems/{slug}"));
    assert_eq!(document["status"], status);
    assert!(
        document["title"].is_string() && document["detail"].is_string(),
        "{document}"
    );
    document
}
