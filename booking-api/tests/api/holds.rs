//! `POST /v1/performances/{id}/holds` and what stands against it.

use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_hold_takes_seats_and_says_what_they_cost(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let answer = buyer.hold(["C-1", "A-2", "A-1"]).await;
    let location = answer.header("location").to_owned();
    let hold = answer.expect_created();
    assert_eq!(hold["state"], "ACTIVE");
    assert_eq!(hold["seats"], json!(["A-1", "A-2", "C-1"]));
    assert_eq!(
        hold["amount"],
        json!({"amount": 290_000, "currency": "KRW"})
    );
    assert_eq!(hold["performance"], api.performance);
    assert_eq!(
        location,
        format!("/v1/holds/{}", hold["id"].as_str().unwrap())
    );
    assert_eq!(buyer.get(&location).await.expect(200)["id"], hold["id"]);
    assert_eq!(buyer.seat("A-1").await, "TEMPORARILY_RESERVED");
    assert_eq!(buyer.seat("A-3").await, "AVAILABLE");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_second_hold_on_the_same_seat_is_refused(pool: PgPool) {
    let api = TestApi::start(pool).await;
    api.admitted_buyer().hold(["A-1"]).await.expect_created();
    let second = api.admitted_buyer().hold(["A-1"]).await;
    let problem = second.expect_problem(409, "seat-taken");
    assert_eq!(
        problem["seats"],
        json!([{"seat": "A-1", "reason": "HELD", "retryable": true}])
    );
    // Redis has forgotten; PostgreSQL says the same.
    api.forget_marks().await;
    let third = api
        .admitted_buyer()
        .hold(["A-1"])
        .await
        .expect_problem(409, "seat-taken");
    assert_eq!(third["seats"], problem["seats"]);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn one_seat_that_is_taken_leaves_the_others_free(pool: PgPool) {
    let api = TestApi::start(pool).await;
    api.admitted_buyer().hold(["A-2"]).await.expect_created();
    api.forget_marks().await;
    let buyer = api.admitted_buyer();
    let problem = buyer
        .hold(["A-1", "A-2", "A-3"])
        .await
        .expect_problem(409, "seat-taken");
    assert_eq!(problem["seats"].as_array().unwrap().len(), 1);
    assert_eq!(buyer.seat("A-1").await, "AVAILABLE");
    api.admitted_buyer()
        .hold(["A-1", "A-3"])
        .await
        .expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_same_key_is_the_same_hold(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let (key, seats) = (Uuid::new_v4().to_string(), json!({"seats": ["A-1"]}));
    let first = buyer
        .post_as(&key, &buyer.holds(), &seats)
        .await
        .expect_created();
    let again = buyer
        .post_as(&key, &buyer.holds(), &seats)
        .await
        .expect_created();
    assert_eq!(first, again);
    // A repeat needs only the buyer: the admission may have ended since.
    let repeated = buyer
        .without_admission()
        .post_as(&key, &buyer.holds(), &seats)
        .await
        .expect_created();
    assert_eq!(first, repeated);
    let other = json!({"seats": ["A-2"]});
    buyer
        .post_as(&key, &buyer.holds(), &other)
        .await
        .expect_problem(422, "idempotency-mismatch");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_refused_hold_is_not_remembered(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let first = api.admitted_buyer();
    let hold = first.held(["A-1"]).await;
    let second = api.admitted_buyer();
    let (key, seats) = (Uuid::new_v4().to_string(), json!({"seats": ["A-1"]}));
    second
        .post_as(&key, &second.holds(), &seats)
        .await
        .expect_problem(409, "seat-taken");
    first.delete(&format!("/v1/holds/{hold}")).await.expect(204);
    second
        .post_as(&key, &second.holds(), &seats)
        .await
        .expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_hold_without_an_idempotency_key_is_refused(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let seats = json!({"seats": ["A-1"]});
    buyer
        .post(&buyer.holds(), &seats)
        .await
        .expect_problem(400, "idempotency-key-missing");
    let key = "x".repeat(256);
    buyer
        .post_as(&key, &buyer.holds(), &seats)
        .await
        .expect_problem(400, "idempotency-key-missing");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_buyer_has_one_hold_at_a_time(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let problem = buyer.hold(["A-2"]).await.expect_problem(409, "hold-exists");
    assert_eq!(problem["hold"], hold);
    buyer.delete(&format!("/v1/holds/{hold}")).await.expect(204);
    buyer.hold(["A-2"]).await.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn nonsense_is_refused_by_naming_it(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let key = || Uuid::new_v4().to_string();
    let ask = async |body: serde_json::Value| buyer.post_as(&key(), &buyer.holds(), &body).await;

    let unknown = buyer
        .hold(["A-1", "Z-1", "A-99"])
        .await
        .expect_problem(422, "unknown-seat");
    assert_eq!(unknown["seats"], json!(["Z-1", "A-99"]));
    let many = buyer
        .hold(["A-1", "A-2", "A-3", "A-4", "A-5"])
        .await
        .expect_problem(422, "too-many-seats");
    assert_eq!(many["seats_per_buyer_max"], 4);
    for (body, field) in [
        (json!({"seats": []}), "seats"),
        (json!({}), "seats"),
        (
            json!({"seats": ["A-1"], "best_available": {"count": 1, "tier": "R"}}),
            "seats",
        ),
        (json!({"seats": ["A-1", "A-1"]}), "seats[1]"),
        (json!({"seats": ["A-1", "' OR 1=1"]}), "seats[1]"),
        (json!({"seats": ["A-1", 7]}), "seats[1]"),
        (json!({"seats": "A-1"}), "seats"),
        (json!({"seats": ["A-1"], "price": 0}), "price"),
        (
            json!({"best_available": {"count": 0, "tier": "R"}}),
            "best_available.count",
        ),
        (
            json!({"best_available": {"count": 1, "tier": "X"}}),
            "best_available.tier",
        ),
        (
            json!({"best_available": {"count": -1, "tier": "R"}}),
            "best_available.count",
        ),
    ] {
        let problem = ask(body.clone())
            .await
            .expect_problem(400, "invalid-request");
        assert_eq!(problem["field"], field, "{body}");
    }
    let unknown = "/v1/performances/1/holds";
    buyer
        .post_as(&key(), unknown, &json!({"seats": ["A-1"]}))
        .await
        .expect_problem(404, "not-found");
    assert_eq!(api.count("SELECT count(*) FROM hold").await, 0);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_best_available_are_neighbours_in_the_front_row(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let best = json!({"best_available": {"count": 4, "tier": "R"}});
    let hold = buyer
        .post_as("k", &buyer.holds(), &best)
        .await
        .expect_created();
    let seats: Vec<_> = hold["seats"]
        .as_array()
        .unwrap()
        .iter()
        .map(|seat| seat.as_str().unwrap())
        .collect();
    let number = |seat: &str| seat[2..].parse::<i32>().unwrap();
    assert!(
        seats.iter().all(|seat| seat[..1] == seats[0][..1]),
        "one row: {seats:?}"
    );
    assert!(
        seats
            .windows(2)
            .all(|pair| number(pair[1]) == number(pair[0]) + 1),
        "neighbours: {seats:?}"
    );
    // Two rows of ten seats have room for four parties of four.
    for _ in 1..4 {
        let next = api.admitted_buyer();
        next.post_as("k", &next.holds(), &best)
            .await
            .expect_created();
    }
    let late = api.admitted_buyer();
    let problem = late
        .post_as("k", &late.holds(), &best)
        .await
        .expect_problem(409, "seat-taken");
    assert_eq!(problem["seats"], json!([]));
    // Two are still free beside each other at the ends of the rows.
    let two = json!({"best_available": {"count": 2, "tier": "R"}});
    late.post_as("k", &late.holds(), &two)
        .await
        .expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_sale_has_a_beginning_and_an_end(pool: PgPool) {
    let mut api = TestApi::start(pool).await;
    api.performance = api
        .make_performance(&json!({"sale_opens_at": "2098-01-01T00:00:00Z"}))
        .await;
    api.admitted_buyer()
        .hold(["A-1"])
        .await
        .expect_problem(403, "sale-not-open");
    let past =
        json!({"sale_opens_at": "2020-01-01T00:00:00Z", "sale_closes_at": "2020-01-02T00:00:00Z"});
    api.performance = api.make_performance(&past).await;
    api.admitted_buyer()
        .hold(["A-1"])
        .await
        .expect_problem(403, "sale-not-open");
}
