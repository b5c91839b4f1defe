//! Many at once: one winner, nothing lost, no deadlock.

use futures_util::future::join_all;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_thousand_buyers_of_one_seat_make_one_hold(pool: PgPool) {
    // The mark outlives the test, however slow this machine is.
    let api = TestApi::start_with(pool, &["--taken-mark-ms", "60000"]).await;
    let buyers: Vec<_> = (0..1_000).map(|_| api.admitted_buyer()).collect();
    let answers = join_all(buyers.iter().map(|buyer| buyer.hold(["A-1"]))).await;
    let (mut winners, mut losers) = (0, 0);
    for answer in answers {
        match answer.status.as_u16() {
            201 => winners += 1,
            409 => {
                answer.expect_problem(409, "seat-taken");
                losers += 1;
            }
            503 => {
                answer.expect_problem(503, "overloaded");
                losers += 1;
            }
            other => panic!("{other}: {}", answer.json()),
        }
    }
    assert_eq!((winners, losers), (1, 999));
    assert_eq!(api.count("SELECT count(*) FROM hold").await, 1);
    // Whoever gets through the lock and begins step H leaves the row that it locks first.
    let begun = api.count("SELECT count(*) FROM buyer_quota").await;
    assert!(begun <= 5, "the lock lets few through: {begun}");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn overlapping_holds_without_redis_have_one_winner_per_seat(pool: PgPool) {
    // Nobody listens there: PostgreSQL alone decides.
    let options = super::test_api::Options {
        flags: vec!["--holds-without-redis".into(), "64".into()],
        redis_url: Some("redis://127.0.0.1:9".into()),
    };
    let api = TestApi::start_as(pool, options).await;
    let pairs = [["A-1", "A-2"], ["A-2", "A-3"], ["A-3", "A-1"]];
    for _round in 0..5 {
        let buyers: Vec<_> = (0..12).map(|_| api.admitted_buyer()).collect();
        let asks = buyers
            .iter()
            .enumerate()
            .map(|(index, buyer)| buyer.hold(pairs[index % 3]));
        let answers = join_all(asks).await;
        let won = answers
            .iter()
            .filter(|answer| answer.status.as_u16() == 201)
            .count();
        assert_eq!(won, 1, "of pairs that all overlap one wins");
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer.status.as_u16(), 201 | 409 | 503))
        );
        assert_eq!(
            api.count("SELECT count(*) FROM seat WHERE hold_expires_at > now()")
                .await,
            2
        );
        sqlx::query("UPDATE seat SET hold_expires_at = now() - interval '1 second' WHERE hold_id IS NOT NULL")
            .execute(&api.pool)
            .await
            .unwrap();
    }
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn one_key_sent_many_times_at_once_is_one_hold(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let (key, body, path) = (
        Uuid::new_v4().to_string(),
        json!({"seats": ["A-1"]}),
        buyer.holds(),
    );
    let answers = join_all((0..20).map(|_| buyer.post_as(&key, &path, &body))).await;
    // Whoever comes while the first is at work may meet its lock, and is told that it may come right again.
    for answer in answers {
        if answer.status.as_u16() != 201 {
            let problem = answer.expect_problem(409, "seat-taken");
            assert_eq!(problem["seats"][0]["retryable"], true, "{problem}");
        }
    }
    let hold = buyer.post_as(&key, &path, &body).await.expect_created();
    assert_eq!(api.count("SELECT count(*) FROM hold").await, 1);
    assert_eq!(
        buyer
            .get(&format!("/v1/holds/{}", hold["id"].as_str().unwrap()))
            .await
            .expect(200)["id"],
        hold["id"]
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_rush_sells_every_seat_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyers: Vec<_> = (0..90).map(|_| api.admitted_buyer()).collect();
    let seats: Vec<String> = ["A", "B", "C"]
        .iter()
        .flat_map(|row| (1..=10).map(move |seat| format!("{row}-{seat}")))
        .collect();
    let journeys = buyers.iter().enumerate().map(|(index, buyer)| {
        // Everybody wants the front rows: three buyers for each seat.
        let seat = seats[index % seats.len()].as_str();
        async move {
            let hold = buyer.hold([seat]).await;
            if hold.status.as_u16() == 201 {
                let hold = hold.json()["id"].as_str().unwrap().to_owned();
                buyer.pay(&hold, "tok_ok").await.expect_created();
            }
        }
    });
    join_all(journeys).await;
    assert_eq!(api.count("SELECT count(*) FROM audit.sold").await, 30);
    assert_eq!(
        api.count("SELECT count(DISTINCT seat_no) FROM audit.sold")
            .await,
        30
    );
    TestApi::eventually("both books are equal", async || {
        let captured: i64 = api
            .gateway
            .ledger()
            .await
            .iter()
            .map(|p| p["captured"].as_i64().unwrap())
            .sum();
        captured == 20 * 110_000 + 10 * 70_000
    })
    .await;
    TestApi::eventually("nothing is left to do", async || {
        api.count("SELECT count(*) FROM outbox WHERE done_at IS NULL")
            .await
            == 0
    })
    .await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn two_instances_do_each_capture_once(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let (_base, other) = api.another_instance(&["--outbox-interval-ms", "10"]).await;
    let buyers: Vec<_> = (0..10).map(|_| api.admitted_buyer()).collect();
    join_all(buyers.iter().enumerate().map(|(index, buyer)| async move {
        let seat = format!("A-{}", index + 1);
        let hold = buyer.held([seat.as_str()]).await;
        buyer.pay(&hold, "tok_ok").await.expect_created();
    }))
    .await;
    TestApi::eventually("all are captured", async || {
        api.count("SELECT count(*) FROM payment WHERE state = 'CAPTURED'")
            .await
            == 10
    })
    .await;
    let ledger = api.gateway.ledger().await;
    assert!(ledger.iter().all(|payment| payment["captured"] == 110_000) && ledger.len() == 10);
    // The gateway would forgive a second call under the same key: so count ours.
    assert_eq!(
        api.count("SELECT max(attempts)::bigint FROM outbox").await,
        1
    );
    other.soft().cancel();
}
