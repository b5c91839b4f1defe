//! The program itself: started with flags, watched by its admin port, stopped by a signal.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use devstack::process::Launch;
use devstack::service::{Service, bin_folder};
use devstack::{ports, test_stores};
use reqwest::Method;
use serde_json::json;
use sqlx::{ConnectOptions, PgPool};

use crate::answer::Answer;
use crate::test_api::TestApi;

fn program() -> PathBuf {
    bin_folder().unwrap().join("booking-api")
}

/// The settings of a process beside `api`, with its database and its gateway.
fn settings(api: &TestApi) -> Vec<(&'static str, String)> {
    let (keys, database) = (
        api.keys(),
        api.pool.connect_options().to_url_lossy().to_string(),
    );
    vec![
        ("ONSALE_DATABASE_URL", database),
        ("ONSALE_REPLICA_URL", api.replica_url()),
        ("ONSALE_REDIS_URL", test_stores::redis_url()),
        ("ONSALE_GATEWAY_URL", api.gateway.base.clone()),
        ("ONSALE_USER_JWKS", keys.user_jwks.display().to_string()),
        ("ONSALE_USER_KEYS", keys.user.display().to_string()),
        (
            "ONSALE_ADMISSION_JWKS",
            keys.admission_jwks.display().to_string(),
        ),
        ("ONSALE_DATABASE_CONNECTIONS", "4".to_owned()),
        ("ONSALE_DRAIN_DELAY_MS", "0".to_owned()),
    ]
}

/// A running process.
struct Running {
    service: Service,
    base: String,
    admin: String,
    logs: PathBuf,
}

impl Running {
    async fn start(api: &TestApi) -> Self {
        let (port, admin) = (ports::free().unwrap(), ports::free().unwrap());
        let logs = std::env::temp_dir().join(format!("onsale-booking-{port}"));
        std::fs::create_dir_all(&logs).unwrap();
        let launch = Launch::service("booking-api", program(), admin, &logs)
            .args(["serve"])
            .env("ONSALE_LISTEN", format!("127.0.0.1:{port}"))
            .env("ONSALE_ADMIN_LISTEN", format!("127.0.0.1:{admin}"));
        let settings = settings(api).into_iter();
        let launch = settings.fold(launch, |launch, (name, value)| launch.env(name, value));
        let service = Service::start(launch).await.unwrap();
        let (base, admin) = (
            format!("http://127.0.0.1:{port}"),
            format!("http://127.0.0.1:{admin}"),
        );
        Self {
            service,
            base,
            admin,
            logs,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Dropped on its own it would be waited for, which would hold up the test's runtime.
        let _ = self.service.kill();
        // Left behind, it is a folder of temporary files.
        let _ = std::fs::remove_dir_all(&self.logs);
    }
}

fn run(words: &[&str], settings: &[(&'static str, String)]) -> Output {
    let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
    Command::new(program())
        .args(words)
        .envs(settings)
        .output()
        .unwrap()
}

async fn text(url: String) -> String {
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn sigterm_lets_a_payment_in_flight_finish(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let mut running = Running::start(&api).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let pay = async {
        let request =
            reqwest::Client::new().post(format!("{}/v1/holds/{hold}/payment", running.base));
        let request = request
            .bearer_auth(&buyer.token)
            .header("Idempotency-Key", "key");
        let body = json!({"method": {"kind": "card", "token": "tok_slow"}});
        Answer::read(request.json(&body).send().await.unwrap()).await
    };
    let (paid, ()) = tokio::join!(pay, async {
        TestApi::eventually("it is being paid", async || {
            api.count("SELECT count(*) FROM payment").await == 1
        })
        .await;
        running.service.terminate().unwrap();
    });
    assert_eq!(paid.expect_created()["state"], "CONFIRMED");
    let status = running
        .service
        .until_ended(Duration::from_secs(20))
        .await
        .expect("it ends");
    assert!(status.success(), "{status}");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_admin_port_tells_how_it_is(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let running = Running::start(&api).await;
    let (base, admin) = (&running.base, &running.admin);
    assert_eq!(text(format!("{admin}/livez")).await, "live\n");
    assert_eq!(text(format!("{admin}/readyz")).await, "ready\n");
    let buyer = api.admitted_buyer();
    let client = reqwest::Client::new();
    let hold = async |seat: &str| {
        let request = client.request(Method::POST, format!("{base}{}", buyer.holds()));
        let request = request
            .bearer_auth(&buyer.token)
            .header("Idempotency-Key", seat);
        let request = request.header("Admission-Token", buyer.admission.as_ref().unwrap());
        Answer::read(
            request
                .json(&json!({"seats": [seat]}))
                .send()
                .await
                .unwrap(),
        )
        .await
    };
    let held = hold("A-1").await.expect_created();
    hold("A-2").await.expect_problem(409, "hold-exists");
    let payment = format!("{base}/v1/holds/{}/payment", held["id"].as_str().unwrap());
    let request = client
        .post(payment)
        .bearer_auth(&buyer.token)
        .header("Idempotency-Key", "pay");
    let body = json!({"method": {"kind": "card", "token": "tok_ok"}});
    Answer::read(request.json(&body).send().await.unwrap())
        .await
        .expect_created();
    for metric in [
        "onsale_booking_holds_total{service=\"booking-api\",result=\"held\"} 1".to_owned(),
        "onsale_booking_holds_total{service=\"booking-api\",result=\"hold_exists\"} 1".to_owned(),
        "onsale_booking_orders_total{service=\"booking-api\",result=\"confirmed\"} 1".to_owned(),
        "onsale_circuit_state{service=\"booking-api\",dependency=\"payment-gateway\"} 0".to_owned(),
        "onsale_redis_commands_total{service=\"booking-api\",command=\"seat_lock_acquire\"} 2".to_owned(),
        "onsale_booking_reservations_without_partition{service=\"booking-api\"} 0".to_owned(),
        "onsale_booking_requests_total{service=\"booking-api\",route=\"POST /v1/performances/{id}/holds\",status=\"201\"} 1"
            .to_owned(),
        format!(
            "onsale_booking_seats{{service=\"booking-api\",performance=\"{}\",status=\"RESERVED\"}} 1",
            api.performance
        ),
    ] {
        TestApi::eventually(&metric, async || text(format!("{admin}/metrics")).await.contains(&metric)).await;
    }
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_process_that_cannot_serve_says_why_and_ends(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let good = settings(&api);
    let with = |changes: &[(&'static str, String)]| {
        let kept = good
            .iter()
            .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        kept.cloned()
            .chain(changes.iter().cloned())
            .collect::<Vec<_>>()
    };
    let listen = || {
        vec![
            ("ONSALE_LISTEN", "127.0.0.1:0".to_owned()),
            ("ONSALE_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ]
    };
    let primary = api.pool.connect_options().to_url_lossy().to_string();
    let taken = api.base.trim_start_matches("http://").to_owned();
    for (change, words) in [
        (
            ("ONSALE_REPLICA_URL", primary),
            "--replica-url leads to a server that is not a replica",
        ),
        (
            ("ONSALE_USER_JWKS", "/nowhere.json".to_owned()),
            "/nowhere.json cannot be read",
        ),
        (
            ("ONSALE_USER_KEYS", "/nowhere".to_owned()),
            "/nowhere cannot be read",
        ),
        (
            (
                "ONSALE_DATABASE_URL",
                "postgres://onsale@127.0.0.1:9/none".to_owned(),
            ),
            "the primary cannot be asked",
        ),
        (
            ("ONSALE_DATABASE_URL", "secret-but-wrong".to_owned()),
            "an address is postgres://",
        ),
        (("ONSALE_LISTEN", taken), "cannot listen on"),
    ] {
        let mut changes = listen();
        changes.retain(|(name, _)| *name != change.0);
        changes.push(change);
        let output = run(&["serve"], &with(&changes));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && said.contains(words),
            "{words}: {said}"
        );
    }
}

#[sqlx::test(migrations = false)]
async fn migrate_is_a_command_of_its_own(pool: PgPool) {
    let database = pool.connect_options().to_url_lossy().to_string();
    let settings = [("ONSALE_DATABASE_URL", database)];
    for _ in 0..2 {
        let output = run(&["migrate"], &settings);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let unreachable = [(
        "ONSALE_DATABASE_URL",
        "postgres://onsale@127.0.0.1:9/none".to_owned(),
    )];
    let output = run(&["migrate", "--migrate-wait-seconds", "0"], &unreachable);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("the database cannot be reached"));
}
