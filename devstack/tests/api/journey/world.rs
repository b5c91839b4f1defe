//! All processes of a site, for one test: a Redis and a database of its own, two gatekeepers, two admitters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use devstack::process::{Launch, Ready};
use devstack::service::{Service, bin_folder};
use devstack::stack_file::Stack;
use devstack::stores::{RedisCluster, RedisSentinels, RedisServer};
use devstack::{keys, ports, test_stores, user_token};
use reqwest::Method;
use serde_json::{Value, json};

use super::books::Books;
use super::people::{Person, expect};
use crate::folder::Folder;

/// What a test waits for at most; far more than anything takes.
pub(super) const LONG: Duration = Duration::from_secs(60);
pub(super) const ROOM: &str = "main";
/// Seats in a row of the hall; there are five rows, A to E.
pub(super) const ROW: u32 = 20;

/// Where the line lives.
pub(super) enum Line {
    Server(Box<RedisServer>),
    Cluster(RedisCluster),
    Sentinels(Box<RedisSentinels>),
}

pub(super) struct World {
    pub(super) line: Line,
    pub(super) books: Books,
    pub(super) gatekeepers: Vec<(Service, String)>,
    pub(super) admitters: Vec<Service>,
    pub(super) booking: Service,
    pub(super) booking_url: String,
    pub(super) gateway_url: String,
    pub(super) performance: String,
    booking_admin: String,
    http: reqwest::Client,
    _gateway: Service,
    starting: Starting,
    folder: Folder,
}

struct Starting {
    bin: PathBuf,
    logs: PathBuf,
    settings: BTreeMap<&'static str, String>,
}

impl Starting {
    fn launch(&self, name: &str, program: &str) -> Launch {
        self.launch_with_admin(name, program, ports::free().unwrap())
    }

    fn launch_with_admin(&self, name: &str, program: &str, admin: u16) -> Launch {
        let launch = Launch::service(name, self.bin.join(program), admin, &self.logs);
        let launch = launch.env("ONSALE_ADMIN_LISTEN", format!("127.0.0.1:{admin}"));
        self.settings.iter().fold(launch, |launch, (name, value)| {
            launch.env(name, value.as_str())
        })
    }

    async fn admitter(&self, name: &str) -> Service {
        let launch = self.launch(name, "admitter").args(["run", "--rate", "50"]);
        Service::start(launch).await.unwrap()
    }

    async fn public(&self, name: &str, program: &str, command: &[&str]) -> (Service, String) {
        let port = ports::free().unwrap();
        let listen = format!("127.0.0.1:{port}");
        let launch = self
            .launch(name, program)
            .port(port)
            .args(command.iter().copied());
        let launch = launch.args(["--listen", &listen]);
        (
            Service::start(launch).await.unwrap(),
            format!("http://{listen}"),
        )
    }
}

impl World {
    pub(super) async fn start() -> Self {
        let folder = Folder::new();
        let redis = RedisServer::start(test_stores::servers(), folder.join("redis")).unwrap();
        redis.keep_every_write().unwrap();
        let url = redis.url();
        let books = Books::shared().await;
        Self::with(folder, Line::Server(Box::new(redis)), url, books).await
    }

    /// With a PostgreSQL that the test may kill.
    pub(super) async fn with_own_books() -> Self {
        let folder = Folder::new();
        let redis = RedisServer::start(test_stores::servers(), folder.join("redis")).unwrap();
        let (url, books) = (redis.url(), Books::own(&folder));
        Self::with(folder, Line::Server(Box::new(redis)), url, books).await
    }

    pub(super) async fn on_a_cluster() -> Self {
        let folder = Folder::new();
        let cluster =
            RedisCluster::start(test_stores::servers(), &folder.join("redis"), 3).unwrap();
        let url = cluster.url();
        let books = Books::shared().await;
        Self::with(folder, Line::Cluster(cluster), url, books).await
    }

    pub(super) async fn behind_sentinels() -> Self {
        let folder = Folder::new();
        let redis = RedisSentinels::start(test_stores::servers(), &folder.join("redis")).unwrap();
        let (url, books) = (redis.url(), Books::shared().await);
        Self::with(folder, Line::Sentinels(Box::new(redis)), url, books).await
    }

    async fn with(folder: Folder, line: Line, redis_url: String, books: Books) -> Self {
        let keys = keys::make(&folder.join("keys")).unwrap();
        let path = |path: &std::path::Path| path.display().to_string();
        let mut starting = Starting {
            bin: bin_folder().unwrap(),
            logs: folder.join("logs"),
            settings: BTreeMap::from([
                ("ONSALE_REDIS_URL", redis_url),
                ("ONSALE_DATABASE_URL", books.primary_url()),
                ("ONSALE_REPLICA_URL", books.replica_url()),
                ("ONSALE_WAITING_KEYS", path(&keys.waiting)),
                ("ONSALE_ADMISSION_KEYS", path(&keys.admission)),
                ("ONSALE_ADMISSION_JWKS", path(&keys.admission_jwks)),
                ("ONSALE_USER_KEYS", path(&keys.user)),
                ("ONSALE_USER_JWKS", path(&keys.user_jwks)),
                ("ONSALE_DRAIN_DELAY_MS", "0".to_owned()),
                // All people of a test have this machine's address.
                ("ONSALE_ADDRESS_REQUESTS_PER_SECOND", "0".to_owned()),
                ("ONSALE_ADDRESS_ANONYMOUS_JOINS_PER_SECOND", "0".to_owned()),
                ("ONSALE_DATABASE_CONNECTIONS", "10".to_owned()),
            ]),
        };
        let (gateway, gateway_url) = start_gateway(&starting, &folder).await;
        starting
            .settings
            .insert("ONSALE_GATEWAY_URL", gateway_url.clone());
        migrate(&starting);
        until_replicated(&starting.settings["ONSALE_REPLICA_URL"]).await;
        let mut gatekeepers = Vec::new();
        for name in ["gatekeeper-1", "gatekeeper-2"] {
            let patient = ["--early-polls", "allow"];
            gatekeepers.push(starting.public(name, "gatekeeper", &patient).await);
        }
        starting
            .settings
            .insert("ONSALE_WAITING_ROOM_URL", gatekeepers[0].1.clone());
        let mut admitters = Vec::new();
        for name in ["admitter-1", "admitter-2"] {
            admitters.push(starting.admitter(name).await);
        }
        let (booking, booking_url) = starting
            .public("booking-api", "booking-api", &["serve"])
            .await;
        let mut world = Self {
            line,
            books,
            gatekeepers,
            admitters,
            booking,
            booking_admin: String::new(),
            booking_url,
            gateway_url,
            performance: String::new(),
            http: super::people::http(),
            _gateway: gateway,
            starting,
            folder,
        };
        world.admitter(&["rooms", "create", ROOM, "--rate", "50"]);
        world.until_room_is_known().await;
        world.performance = world.make_performance().await;
        world
    }

    /// A room is joinable at every gatekeeper within a second of being made.
    async fn until_room_is_known(&self) {
        let began = Instant::now();
        for (_, gatekeeper) in &self.gatekeepers {
            let url = format!("{gatekeeper}/v1/rooms/{ROOM}");
            while !self
                .http
                .get(&url)
                .send()
                .await
                .unwrap()
                .status()
                .is_success()
            {
                assert!(
                    began.elapsed() < LONG,
                    "the room is not known at {gatekeeper}"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Runs a command of the operator and returns what it prints.
    pub(super) fn admitter(&self, arguments: &[&str]) -> Value {
        self.run_admitter(arguments)
            .unwrap_or_else(|why| panic!("{arguments:?}: {why}"))
    }

    /// The same; `None` when it fails.
    pub(super) fn try_admitter(&self, arguments: &[&str]) -> Option<Value> {
        self.run_admitter(arguments).ok()
    }

    fn run_admitter(&self, arguments: &[&str]) -> Result<Value, String> {
        let output = std::process::Command::new(bin_folder().unwrap().join("admitter"))
            .args(arguments)
            .arg("--json")
            .env("ONSALE_REDIS_URL", self.redis_url())
            .output()
            .unwrap();
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Starts one admitter more.
    pub(super) async fn add_admitter(&mut self) {
        let name = format!("admitter-{}", self.admitters.len() + 1);
        self.admitters.push(self.starting.admitter(&name).await);
    }

    /// Starts one gatekeeper more, which finds Redis there. It is returned with its public and its admin URL.
    pub(super) async fn gatekeeper_with_redis(&self, redis_url: &str) -> (Service, String, String) {
        let (port, admin) = (ports::free().unwrap(), ports::free().unwrap());
        let listen = format!("127.0.0.1:{port}");
        let launch = self
            .starting
            .launch_with_admin("gatekeeper-3", "gatekeeper", admin);
        let launch = launch.port(port).env("ONSALE_REDIS_URL", redis_url);
        let launch = launch.args(["--early-polls", "allow", "--listen", &listen]);
        let service = Service::start(launch).await.unwrap();
        let admin = format!("http://127.0.0.1:{admin}");
        (service, format!("http://{listen}"), admin)
    }

    pub(super) async fn get(&self, url: &str) -> reqwest::Response {
        self.http.get(url).send().await.unwrap()
    }

    /// Somebody with a user token.
    pub(super) fn person(&self, name: &str) -> Person {
        Person::new(self.http.clone(), name, self.token(name, None))
    }

    fn token(&self, name: &str, role: Option<&str>) -> String {
        user_token::mint(&self.folder.join("keys"), name, role).unwrap()
    }

    pub(super) fn gatekeeper(&self, index: usize) -> &str {
        &self.gatekeepers[index].1
    }

    /// Everything that the gateway's own books say, over all pages.
    pub(super) async fn ledger(&self) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let url = format!("{}/v1/ledger?limit=100{cursor}", self.gateway_url);
            let page: Value = self
                .http
                .get(url)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match &page["next_cursor"] {
                Value::Null => return items,
                Value::String(next) => cursor = format!("&cursor={next}"),
                next => cursor = format!("&cursor={next}"),
            }
        }
    }

    /// The same as `.dev/stack.json` of a site that was brought up.
    pub(super) fn stack(&self) -> PathBuf {
        let keys = keys::make(&self.folder.join("keys")).unwrap();
        let (user_token_kid, user_token_key) = keys.user_signing_key().unwrap();
        let stack = Stack {
            gatekeeper: self.gatekeeper(0).to_owned(),
            gatekeeper_admin: self.gatekeeper(0).to_owned(),
            booking_api: self.booking_url.clone(),
            booking_admin: self.booking_admin.clone(),
            admitter_admin: self.booking_admin.clone(),
            gateway: self.gateway_url.clone(),
            redis: self.redis_url(),
            postgres: self.books.primary_url(),
            replica: self.books.replica_url(),
            user_token_key,
            user_token_kid,
            room: ROOM.to_owned(),
            performance: self.performance.clone(),
            bin: bin_folder().unwrap(),
            pids: BTreeMap::new(),
        };
        let path = self.folder.join("stack.json");
        stack.write(&path).unwrap();
        path
    }

    fn redis_url(&self) -> String {
        match &self.line {
            Line::Server(server) => server.url(),
            Line::Cluster(cluster) => cluster.url(),
            Line::Sentinels(sentinels) => sentinels.url(),
        }
    }

    async fn make_performance(&self) -> String {
        let organiser = Person::new(
            self.http.clone(),
            "organiser",
            self.token("organiser", Some("organiser")),
        );
        let post = async |path: &str, body: Value| {
            let request = organiser
                .request(Method::POST, &format!("{}{path}", self.booking_url))
                .json(&body);
            expect(request.send().await.unwrap(), 201).await
        };
        let seats = |row: u32| -> Vec<Value> {
            (1..=ROW)
                .map(|number| json!({"number": number, "x": number, "y": row}))
                .collect()
        };
        let rows: Vec<Value> = (0..5_u32)
            .map(|row| json!({"name": char::from(b'A' + u8::try_from(row).unwrap()).to_string(), "seats": seats(row)}))
            .collect();
        let sections = json!([{"name": "Hall", "tier": "R", "rows": rows}]);
        let layout = post(
            "/v1/admin/layouts",
            json!({"name": "Hall", "sections": sections}),
        )
        .await;
        let concert = json!({"title": "Night", "venue": "Hall", "description": ""});
        let concert = post("/v1/admin/concerts", concert).await;
        let starts_at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 30);
        let performance = json!({
            "concert": concert["id"], "layout": layout["hash"], "room": ROOM, "starts_at": starts_at,
            "tiers": [{"tier": "R", "price": {"amount": 110_000, "currency": "KRW"}}],
        });
        let performance = post("/v1/admin/performances", performance).await;
        performance["id"]
            .as_str()
            .map_or_else(|| performance["id"].to_string(), str::to_owned)
    }
}

async fn start_gateway(starting: &Starting, folder: &Folder) -> (Service, String) {
    let port = ports::free().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let ledger = folder.join("ledger.jsonl").display().to_string();
    let mut launch = Launch::service(
        "gateway",
        starting.bin.join("devstack"),
        port,
        &starting.logs,
    );
    launch.ready = Ready::Http {
        port,
        path: "/readyz".to_owned(),
    };
    let launch = launch.args(["gateway", "--listen", &listen, "--ledger", &ledger]);
    (
        Service::start(launch).await.unwrap(),
        format!("http://{listen}"),
    )
}

fn migrate(starting: &Starting) {
    let output = std::process::Command::new(starting.bin.join("booking-api"))
        .arg("migrate")
        .env(
            "ONSALE_DATABASE_URL",
            &starting.settings["ONSALE_DATABASE_URL"],
        )
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The replica follows a moment later.
async fn until_replicated(url: &str) {
    use sqlx::Connection;
    let began = Instant::now();
    loop {
        if let Ok(mut replica) = sqlx::PgConnection::connect(url).await
            && sqlx::query("SELECT 1 FROM audit.sold LIMIT 1")
                .fetch_optional(&mut replica)
                .await
                .is_ok()
        {
            return;
        }
        assert!(began.elapsed() < LONG, "the replica does not follow");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
