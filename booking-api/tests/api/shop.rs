//! What the line is told of the shop.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use shared::ids::RoomName;
use shared::room::{Line, NewRoom, SHOP_STALE, ShopBeat, ShopFacts};
use sqlx::PgPool;

use crate::test_api::TestApi;

const OFTEN: [&str; 2] = ["--shop-beat-ms", "50"];

/// An API that beats, and the room that its performance names.
async fn start(pool: PgPool) -> TestApi {
    let api = TestApi::start_with(pool, &OFTEN).await;
    api.line().await.create(&NewRoom::default()).await.unwrap();
    api
}

/// What a gatekeeper would read.
async fn facts(api: &TestApi, room: &RoomName) -> Option<ShopFacts> {
    let redis = api.redis().await;
    let mut read = redis::cmd("HGETALL");
    read.arg(format!("onsale:{{{room}}}:shop"));
    let fields: HashMap<String, String> = redis.query(&read).await.unwrap();
    let (seconds, _): (i64, i64) = redis.query(&redis::cmd("TIME")).await.unwrap();
    ShopFacts::parse(&fields, seconds * 1_000)
}

async fn until_left(api: &TestApi, what: &str, sellable: u64, held: u64) {
    TestApi::eventually(what, async || {
        let shop = facts(api, &api.room).await;
        shop.is_some_and(|shop| (shop.sellable, shop.held) == (sellable, held) && !shop.is_busy)
    })
    .await;
}

async fn until_busy(api: &TestApi, is_busy: bool) {
    TestApi::eventually("the line hears how the shop is", async || {
        let shop = facts(api, &api.room).await;
        shop.is_some_and(|shop| shop.is_busy == is_busy)
    })
    .await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_line_hears_what_is_sellable_and_held(pool: PgPool) {
    let api = start(pool).await;
    until_left(&api, "all seats", 30, 0).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1", "A-2"]).await;
    until_left(&api, "two are held", 28, 2).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    until_left(&api, "two are sold", 28, 0).await;

    let other = api.admitted_buyer();
    let hold = other.held(["B-1"]).await;
    until_left(&api, "one is held", 27, 1).await;
    other.delete(&format!("/v1/holds/{hold}")).await.expect(204);
    until_left(&api, "it was released", 28, 0).await;

    other.held(["B-2", "B-3"]).await;
    until_left(&api, "two are held again", 26, 2).await;
    api.age_holds(100_000.0).await;
    until_left(&api, "they have expired, and nobody has tidied up", 28, 0).await;

    sqlx::query("UPDATE seat SET blocked = true WHERE seat_no = 29")
        .execute(&api.pool)
        .await
        .unwrap();
    until_left(&api, "a blocked seat is not for sale", 27, 0).await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_payment_in_progress_keeps_its_seats_held(pool: PgPool) {
    let api = start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let (paid, ()) = tokio::join!(buyer.pay(&hold, "tok_slow"), async {
        api.until_one_is_being_paid().await;
        until_left(&api, "it may come back", 29, 1).await;
    });
    paid.expect_created();
    until_left(&api, "it is sold", 29, 0).await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_shop_whose_database_does_not_answer_is_busy_until_it_does(pool: PgPool) {
    let api = start(pool).await;
    until_busy(&api, false).await;
    let mut blocker = api.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE performance IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    until_busy(&api, true).await;
    blocker.rollback().await.unwrap();
    until_busy(&api, false).await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_room_that_was_removed_keeps_nothing_of_the_shop(pool: PgPool) {
    let api = start(pool).await;
    let witness: RoomName = format!("{}-w", &api.room.as_str()[..30]).parse().unwrap();
    let line = Line::new(api.redis().await, witness.clone());
    line.create(&NewRoom::default()).await.unwrap();
    api.make_performance(&json!({"room": witness})).await;
    until_left(&api, "all seats", 30, 0).await;
    api.line().await.remove().await.unwrap();
    // Rooms are told together: when the other one has been told twice more, this one would have been.
    for _ in 0..2 {
        line.shop_closed().await.unwrap();
        TestApi::eventually("a beat and a count", async || {
            let shop = facts(&api, &witness).await;
            shop.is_some_and(|shop| shop.performances == 1)
        })
        .await;
    }
    assert_eq!(facts(&api, &api.room).await, None);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_room_whose_last_performance_was_withdrawn_leads_to_no_shop(pool: PgPool) {
    let api = start(pool).await;
    until_left(&api, "all seats", 30, 0).await;
    let path = format!("/v1/admin/performances/{}", api.performance);
    api.organiser().delete(&path).await.expect(204);
    TestApi::eventually("there is no shop", async || {
        facts(&api, &api.room).await.is_none()
    })
    .await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_sale_that_ended_while_no_instance_ran_keeps_no_room_waiting(pool: PgPool) {
    // This one does not beat.
    let api = TestApi::start(pool).await;
    let line = api.line().await;
    line.create(&NewRoom::default()).await.unwrap();
    let last_words = ShopBeat {
        is_well: true,
        count_every: Some(Duration::ZERO),
    };
    line.shop_beat(last_words).await.unwrap();
    let ended = "UPDATE performance SET sale_opens_at = now() - interval '2 hours', sale_closes_at = now() - interval '1 hour'";
    sqlx::query(ended).execute(&api.pool).await.unwrap();
    assert!(facts(&api, &api.room).await.is_some());
    api.another_instance(&OFTEN).await;
    TestApi::eventually("there is no shop", async || {
        facts(&api, &api.room).await.is_none()
    })
    .await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn one_instance_that_is_well_is_enough(pool: PgPool) {
    let api = start(pool).await;
    until_left(&api, "all seats", 30, 0).await;
    // Its only connection is taken by somebody who waits for a lock, so that it never hears from the database.
    let starved = [
        "--shop-beat-ms",
        "50",
        "--database-connections",
        "1",
        "--database-queue",
        "0",
        "--outbox-interval-ms",
        "60000",
        "--lock-timeout-ms",
        "60000",
        "--statement-timeout-ms",
        "60000",
    ];
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let (base, _) = api.another_instance(&starved).await;
    let mut blocker = api.pool.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM hold FOR UPDATE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let release = reqwest::Client::new().delete(format!("{base}/v1/holds/{hold}"));
    let stuck = release.bearer_auth(&buyer.token).send();
    let watch = async {
        let begun = healthy_at(&api).await;
        let long_after = begun + i64::try_from(SHOP_STALE.as_millis()).unwrap() + 1;
        TestApi::eventually("the one that is well goes on beating", async || {
            healthy_at(&api).await > long_after
        })
        .await;
        blocker.rollback().await.unwrap();
    };
    let (answer, ()) = tokio::join!(stuck, watch);
    answer.unwrap();
}

async fn healthy_at(api: &TestApi) -> i64 {
    let mut read = redis::cmd("HGET");
    read.arg(format!("onsale:{{{}}}:shop", api.room))
        .arg("healthy_at_ms");
    api.redis().await.query(&read).await.unwrap()
}
