//! `GET /v1/performances/{id}/seats`: the map.

use serde_json::json;
use sqlx::PgPool;

use crate::answer::Answer;
use crate::buyer::Buyer;
use crate::test_api::TestApi;

fn path(api: &TestApi) -> String {
    format!("/v1/performances/{}/seats", api.performance)
}

async fn with(buyer: &Buyer<'_>, headers: &[(&str, &str)]) -> Answer {
    let request = buyer.request(reqwest::Method::GET, &path(buyer.api));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    Answer::read(request.send().await.unwrap()).await
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_seats_are_listed_in_the_order_of_the_layout(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let answer = buyer.get(&path(&api)).await;
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    let seats = answer.expect(200);
    let list = seats["seats"].as_array().unwrap();
    assert_eq!(list.len(), 30);
    assert_eq!(
        list[0],
        json!({"seat": "A-1", "status": "AVAILABLE", "tier": "R"})
    );
    assert_eq!(
        list[29],
        json!({"seat": "C-10", "status": "AVAILABLE", "tier": "S"})
    );
    assert_eq!(seats["layout"].as_str().unwrap().len(), 64);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_map_has_two_bits_per_seat(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    api.admitted_buyer().held(["A-2"]).await;
    sqlx::query("UPDATE seat SET blocked = true WHERE seat_no = 4")
        .execute(&api.pool)
        .await
        .unwrap();
    let viewer = api.admitted_buyer();
    TestApi::eventually("the block shows", async || {
        viewer.seat("A-5").await == "BLOCKED"
    })
    .await;
    let answer = with(&viewer, &[("accept", "application/octet-stream")]).await;
    assert_eq!(answer.header("content-type"), "application/octet-stream");
    assert_eq!(answer.bytes.len(), 8);
    // A-1 sold (2), A-2 held (1), A-5 blocked (3).
    assert_eq!(answer.bytes[..3], [0b00_00_01_10, 0b00_00_00_11, 0]);
    let blocked = viewer.hold(["A-5"]).await.expect_problem(409, "seat-taken");
    assert_eq!(
        blocked["seats"],
        json!([{"seat": "A-5", "reason": "BLOCKED", "retryable": false}])
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn who_has_seen_it_gets_304_until_something_changes(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let etag = buyer.get(&path(&api)).await.header("etag").to_owned();
    let again = with(&buyer, &[("if-none-match", &etag)]).await;
    assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0));
    assert_eq!(again.header("etag"), etag);
    let list = format!("\"other\", W/{etag}");
    assert_eq!(
        with(&buyer, &[("if-none-match", &list)])
            .await
            .status
            .as_u16(),
        304
    );
    let map = with(
        &buyer,
        &[
            ("if-none-match", &etag),
            ("accept", "application/octet-stream"),
        ],
    )
    .await;
    assert_eq!(map.status.as_u16(), 200, "the map is another document");
    api.admitted_buyer().held(["A-1"]).await;
    let changed = with(&buyer, &[("if-none-match", &etag)]).await;
    assert_eq!(changed.status.as_u16(), 200);
    assert_ne!(changed.header("etag"), etag);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn an_expiry_shows_without_anybody_tidying(pool: PgPool) {
    let mut api = TestApi::start_with(pool, &["--seats-fresh-ms", "60000"]).await;
    api.performance = api.make_performance(&json!({"hold_ttl_seconds": 1})).await;
    let buyer = api.admitted_buyer();
    buyer.held(["A-1"]).await;
    assert_eq!(buyer.seat("A-1").await, "TEMPORARILY_RESERVED");
    // The look is good for a minute, but never beyond the next expiry.
    TestApi::eventually("it is free", async || {
        buyer.seat("A-1").await == "AVAILABLE"
    })
    .await;
    assert_eq!(
        api.count("SELECT count(*) FROM seat WHERE status = 'TEMPORARILY_RESERVED'")
            .await,
        1
    );
    api.forget_marks().await;
    api.admitted_buyer().held(["A-1"]).await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn viewers_do_not_cost_a_query_each(pool: PgPool) {
    let api = TestApi::start_with(pool, &["--seats-fresh-ms", "60000"]).await;
    let buyer = api.admitted_buyer();
    buyer.seat("A-1").await;
    // Behind the back of this instance, so it cannot know.
    sqlx::query("UPDATE seat SET blocked = true WHERE seat_no = 0")
        .execute(&api.pool)
        .await
        .unwrap();
    for _ in 0..20 {
        assert_eq!(buyer.seat("A-1").await, "AVAILABLE");
    }
    // A change of its own shows at once, and with it everything else.
    api.admitted_buyer().held(["B-1"]).await;
    assert_eq!(buyer.seat("A-1").await, "BLOCKED");
}
