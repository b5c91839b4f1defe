//! Redis away, lying or back: it costs speed, never a seat, and throws nobody out (I11).

use std::time::Duration;

use serde_json::json;
use shared::room::{
    ClaimOutcome, ClaimRequest, Joined, NewRoom, Promise, PromotionLimits, RoomMemory,
};
use shared::tokens::admission::AdmissionClaims;
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream};

use devstack::stores::RedisServer;
use devstack::test_stores;

use crate::answer::Answer;
use crate::buyer::Buyer;
use crate::test_api::{Options, TestApi};

/// Of prelude.lua.
const FINISHED: u8 = 2;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn without_redis_everything_about_booking_works(pool: PgPool) {
    let options = Options {
        redis_url: Some("redis://127.0.0.1:9".into()),
        ..Options::default()
    };
    let api = TestApi::start_as(pool, options).await;
    let buyer = api.admitted_buyer();
    assert_eq!(buyer.seat("A-1").await, "AVAILABLE");
    let hold = buyer.held(["A-1"]).await;
    api.admitted_buyer()
        .hold(["A-1"])
        .await
        .expect_problem(409, "seat-taken");
    buyer
        .post(&format!("/v1/holds/{hold}/extension"), &json!({}))
        .await
        .expect(200);
    buyer.pay(&hold, "tok_ok").await.expect_created();
    let other = api.admitted_buyer();
    let hold = other.held(["A-2"]).await;
    other.delete(&format!("/v1/holds/{hold}")).await.expect(204);
    api.get("/v1/concerts").await.expect(200);
    let me = api
        .post(
            "/v1/users",
            &json!({"email": "a@b.c", "password": "long enough", "name": "A"}),
        )
        .await;
    let token = me.expect_created()["user_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let me = Buyer {
        api: &api,
        id: String::new(),
        token,
        admission: None,
    };
    me.get("/v1/orders").await.expect(200);
    me.delete("/v1/sessions/current").await.expect(204);
    me.get("/v1/orders")
        .await
        .expect_problem(401, "session-revoked");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn redis_may_die_and_come_back_empty(pool: PgPool) {
    let folder = std::env::temp_dir().join(format!("onsale-redis-{}", uuid::Uuid::new_v4()));
    let mut redis = RedisServer::start(test_stores::servers(), folder.clone()).unwrap();
    let options = Options {
        redis_url: Some(redis.url()),
        ..Options::default()
    };
    let api = TestApi::start_as(pool, options).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    redis.kill().unwrap();
    buyer.pay(&hold, "tok_ok").await.expect_created();
    let second = api.admitted_buyer();
    second.hold(["A-1"]).await.expect_problem(409, "seat-taken");
    second.hold(["A-2"]).await.expect_created();
    redis.restart().unwrap();
    let third = api.admitted_buyer();
    third.hold(["A-2"]).await.expect_problem(409, "seat-taken");
    third.hold(["A-3"]).await.expect_created();
    drop(redis);
    // Left behind, it is a folder of temporary files.
    let _ = std::fs::remove_dir_all(folder);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_lock_that_somebody_left_behind_ends_by_itself_and_is_never_waited_for(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let redis = api.redis().await;
    let key = format!("onsale:seats:{{{}}}:0", api.performance);
    redis
        .query::<()>(
            redis::cmd("SET")
                .arg(&key)
                .arg("a dead process")
                .arg("PX")
                .arg(10_000),
        )
        .await
        .unwrap();
    let begun = std::time::Instant::now();
    let refused = api
        .admitted_buyer()
        .hold(["A-1", "A-2"])
        .await
        .expect_problem(409, "seat-taken");
    assert!(begun.elapsed() < std::time::Duration::from_secs(2));
    assert_eq!(
        refused["seats"],
        json!([{"seat": "A-1", "reason": "CONTENDED", "retryable": true}])
    );
    // What is another's stays another's.
    assert_eq!(
        redis
            .query::<String>(redis::cmd("GET").arg(&key))
            .await
            .unwrap(),
        "a dead process"
    );
    redis
        .query::<i64>(redis::cmd("DEL").arg(&key))
        .await
        .unwrap();
    api.admitted_buyer()
        .hold(["A-1", "A-2"])
        .await
        .expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_row_that_is_locked_for_long_is_a_contended_seat(pool: PgPool) {
    let api = TestApi::start_with(pool, &["--lock-timeout-ms", "200"]).await;
    let mut blocker = api.pool.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM seat WHERE seat_no = 0 FOR UPDATE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let refused = api
        .admitted_buyer()
        .hold(["A-1"])
        .await
        .expect_problem(409, "seat-taken");
    assert_eq!(refused["seats"][0]["reason"], "CONTENDED");
    blocker.rollback().await.unwrap();
    api.admitted_buyer().hold(["A-1"]).await.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_full_queue_for_the_database_is_told_at_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let path = format!("/v1/holds/{}", buyer.held(["A-1"]).await);
    // An instance with one connection, and nobody may wait for it.
    let flags = [
        "--database-connections",
        "1",
        "--database-queue",
        "0",
        "--outbox-interval-ms",
        "60000",
    ];
    let (base, shutdown) = api.another_instance(&flags).await;
    let ask = async |method: reqwest::Method| {
        let request = reqwest::Client::new().request(method, format!("{base}{path}"));
        Answer::read(request.bearer_auth(&buyer.token).send().await.unwrap()).await
    };
    let mut blocker = api.pool.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM hold FOR UPDATE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let (stuck, refused) = tokio::join!(ask(reqwest::Method::DELETE), async {
        TestApi::eventually("the only connection waits for the row", async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            api.count(waiting).await == 1
        })
        .await;
        ask(reqwest::Method::GET).await
    });
    refused.expect_problem(503, "overloaded");
    stuck.expect_problem(503, "overloaded");
    blocker.rollback().await.unwrap();
    TestApi::eventually("it works again", async || {
        ask(reqwest::Method::DELETE).await.status.as_u16() == 204
    })
    .await;
    shutdown.soft().cancel();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn connections_that_postgresql_ended_are_replaced(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'booking-api'",
    )
    .execute(&api.pool)
    .await
    .unwrap();
    TestApi::eventually("buyers are served again", async || {
        let answer = buyer.get(&format!("/v1/holds/{hold}")).await;
        assert!(
            matches!(answer.status.as_u16(), 200 | 503),
            "{}",
            answer.json()
        );
        answer.status.as_u16() == 200
    })
    .await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn without_redis_few_holds_go_to_postgresql_at_once(pool: PgPool) {
    let options = Options {
        flags: vec![
            "--holds-without-redis".into(),
            "1".into(),
            "--lock-timeout-ms".into(),
            "3000".into(),
        ],
        redis_url: Some("redis://127.0.0.1:9".into()),
    };
    let api = TestApi::start_as(pool, options).await;
    let mut blocker = api.pool.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM seat WHERE seat_no = 0 FOR UPDATE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let (one, two) = (api.admitted_buyer(), api.admitted_buyer());
    let (stuck, refused) = tokio::join!(one.hold(["A-1"]), async {
        TestApi::eventually("the only place is taken", async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            api.count(waiting).await == 1
        })
        .await;
        let refused = two.hold(["A-2"]).await;
        blocker.rollback().await.unwrap();
        refused
    });
    refused.expect_problem(503, "overloaded");
    stuck.expect_created();
    two.hold(["A-2"]).await.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn without_the_replica_seats_are_sold_and_lists_wait(pool: PgPool) {
    // Nobody listens there.
    let flags = ["--replica-url", "postgres://onsale@127.0.0.1:9/onsale"];
    let api = TestApi::start_with(pool, &flags).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    api.get("/v1/concerts/1")
        .await
        .expect_problem(503, "overloaded");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_replica_that_was_away_at_the_start_is_used_when_it_is_back(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let mut url: reqwest::Url = api.replica_url().parse().unwrap();
    let replica = ("127.0.0.1", url.port().unwrap());
    // Nobody listens there, yet.
    let port = devstack::ports::free().unwrap();
    url.set_port(Some(port)).unwrap();
    let (base, _) = api.another_instance(&["--replica-url", url.as_str()]).await;
    let lists = async || {
        let answer = reqwest::get(format!("{base}/v1/concerts/1")).await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(lists().await, 503);

    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let shutdown = shared::shutdown::Shutdown::new();
    let connections = shutdown.clone();
    shutdown.spawn("the way to the replica", async move {
        while let Ok((mut near, _)) = listener.accept().await {
            connections.spawn("a connection to the replica", async move {
                let mut far = TcpStream::connect(replica).await.unwrap();
                // Either end may leave as it likes.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    TestApi::eventually("lists are answered", async || lists().await == 404).await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn who_pays_while_the_line_is_lost_has_finished_when_it_is_back(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let (redis, line) = (api.redis().await, api.line().await);
    let room = NewRoom {
        rate_per_second: Some(100.0),
        ..NewRoom::default()
    };
    line.create(&room).await.unwrap();
    let user = api.user();
    let joined = line
        .join(
            &[user.id.parse().unwrap()],
            Promise::of(Duration::from_secs(60)),
        )
        .await
        .unwrap();
    let [Joined::New(number)] = joined.visitors[..] else {
        panic!("{joined:?}");
    };
    let asked = [ClaimRequest {
        visitor: user.id.parse().unwrap(),
        number,
        life: joined.life,
    }];
    let limits = PromotionLimits {
        tick: Duration::from_millis(50),
        at_once: 10,
    };
    TestApi::eventually("the buyer is let in", async || {
        line.promote(limits).await.unwrap();
        let outcomes = line.claim(&asked).await.unwrap();
        matches!(outcomes[..], [ClaimOutcome::Admitted(_)])
    })
    .await;
    let [ClaimOutcome::Admitted(admission)] = &line.claim(&asked).await.unwrap()[..] else {
        panic!("admitted just now");
    };
    let claims = AdmissionClaims {
        num: number,
        jti: admission.jti,
        ..api.admission(&user.id)
    };
    let buyer = Buyer {
        admission: Some(api.admission_token(&claims)),
        ..user
    };
    let hold = buyer.held(["A-1"]).await;
    let mut memory = RoomMemory::new(line.clone(), "a gatekeeper");
    memory.look().await.unwrap();
    let mut of_the_room = redis::cmd("KEYS");
    of_the_room.arg(format!("onsale:{{{}}}:*", api.room));
    let lost: Vec<String> = redis.query(&of_the_room).await.unwrap();
    redis
        .query::<u64>(redis::cmd("DEL").arg(lost))
        .await
        .unwrap();
    buyer.pay(&hold, "tok_ok").await.expect_created();
    TestApi::eventually("the shop says that the buyer has finished", async || {
        let mut said = redis::cmd("EXISTS");
        said.arg(format!("onsale:{{{}}}:ended", api.room));
        redis.query::<bool>(&said).await.unwrap()
    })
    .await;
    let finished = TestApi::eventually("it says so again when the room is back", async || {
        let mut read = redis::cmd("BITFIELD");
        let outcomes = format!("onsale:{{{}}}:outcomes", api.room);
        read.arg(outcomes)
            .arg("GET")
            .arg("u4")
            .arg(format!("#{}", number.0));
        // A claim would give an admission anew.
        redis.query::<[u8; 1]>(&read).await.unwrap() == [FINISHED]
    });
    tokio::select! {
        () = finished => {}
        () = memory.keep() => panic!("the room is taken for one that was removed"),
    }
    let outcomes = line.claim(&asked).await.unwrap();
    assert_eq!(outcomes, [ClaimOutcome::Finished]);
}
