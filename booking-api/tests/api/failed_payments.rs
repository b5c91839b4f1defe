//! Payments that come to nothing: declined, refused, or for seats that somebody else has by now.

use sqlx::PgPool;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_declined_payment_leaves_the_hold_for_another_card(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let declined = buyer
        .pay_as("key", &hold, "tok_declined")
        .await
        .expect_problem(402, "payment-declined");
    assert_eq!(declined["reason"], "card_declined");
    assert_eq!(
        buyer.get(&format!("/v1/holds/{hold}")).await.expect(200)["state"],
        "ACTIVE"
    );
    let orders = buyer.get("/v1/orders").await.expect(200);
    assert_eq!(orders["items"][0]["state"], "FAILED");
    // 4xx is not remembered, so the same key may be used with the card that works.
    let order = buyer.pay_as("key", &hold, "tok_ok").await.expect_created();
    assert_eq!(
        order["id"], orders["items"][0]["id"],
        "one order for the hold"
    );
    assert_eq!(order["state"], "CONFIRMED");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_hold_is_paid_for_three_times_at_most(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    for _ in 0..3 {
        buyer
            .pay(&hold, "tok_declined")
            .await
            .expect_problem(402, "payment-declined");
    }
    let used = buyer
        .pay(&hold, "tok_ok")
        .await
        .expect_problem(402, "payment-declined");
    assert_eq!(used["reason"], "attempts-used");
    assert_eq!(api.gateway.ledger().await.len(), 3);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_declined_hold_lives_at_least_a_minute(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    api.age_holds(295.0).await;
    buyer
        .pay(&hold, "tok_declined")
        .await
        .expect_problem(402, "payment-declined");
    let left = api
        .count("SELECT extract(epoch FROM min(hold_expires_at) - now())::bigint FROM seat WHERE hold_id IS NOT NULL")
        .await;
    assert!((50..=60).contains(&left), "{left} s are left");
    assert_eq!(
        buyer.get(&format!("/v1/holds/{hold}")).await.expect(200)["expired"],
        false
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_seat_stolen_while_paying_gives_the_money_back(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let (buyer, thief) = (api.admitted_buyer(), api.admitted_buyer());
    let hold = buyer.held(["A-1", "A-2"]).await;
    let (paid, ()) = tokio::join!(buyer.pay(&hold, "tok_slow"), async {
        api.until_one_is_being_paid().await;
        // The deadline of the payment passes, and somebody takes one of the seats.
        api.age_holds(1_000.0).await;
        api.forget_marks().await;
        thief.hold(["A-2"]).await.expect_created();
    });
    paid.expect_problem(409, "hold-lost");
    TestApi::eventually("the authorization is voided", async || {
        api.gateway
            .ledger()
            .await
            .iter()
            .all(|payment| payment["voided"].as_i64() == Some(220_000))
    })
    .await;
    TestApi::eventually("the books say so", async || {
        api.count("SELECT count(*) FROM payment WHERE state = 'VOIDED'")
            .await
            == 1
    })
    .await;
    assert_eq!(buyer.seat("A-1").await, "AVAILABLE");
    assert_eq!(thief.seat("A-2").await, "TEMPORARILY_RESERVED");
    assert_eq!(
        buyer.get("/v1/orders").await.expect(200)["items"][0]["state"],
        "FAILED"
    );
    assert_eq!(
        buyer.get(&format!("/v1/holds/{hold}")).await.expect(200)["state"],
        "LOST"
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_capture_refused_for_good_frees_the_seats(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let order = buyer
        .pay(&hold, "tok_capture_refused")
        .await
        .expect_created();
    let order = order["id"].as_str().unwrap();
    TestApi::eventually("the order is cancelled", async || {
        buyer.order_state(order).await == "CANCELLED"
    })
    .await;
    let buyer = buyer.admitted_again();
    assert_eq!(buyer.seat("A-1").await, "AVAILABLE");
    assert_eq!(api.count("SELECT count(*) FROM audit.sold").await, 0);
    // Nothing counts against the buyer, and the seat can be sold again.
    assert_eq!(api.count("SELECT sum(reserved) FROM buyer_quota").await, 0);
    api.forget_marks().await;
    let again = buyer.held(["A-1"]).await;
    buyer.pay(&again, "tok_ok").await.expect_created();
    assert_eq!(api.count("SELECT count(*) FROM audit.sold").await, 1);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn charging_at_once_captures_and_a_stolen_seat_is_refunded(pool: PgPool) {
    let api = TestApi::start_with(pool, &["--gateway-mode", "charge"]).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    assert_eq!(
        api.count("SELECT count(*) FROM payment WHERE state = 'CAPTURED' AND captured = amount")
            .await,
        1
    );
    let unlucky = api.admitted_buyer();
    let hold = unlucky.held(["A-2"]).await;
    let (paid, ()) = tokio::join!(unlucky.pay(&hold, "tok_slow"), async {
        api.until_one_is_being_paid().await;
        api.age_holds(1_000.0).await;
        api.forget_marks().await;
        api.admitted_buyer().hold(["A-2"]).await.expect_created();
    });
    paid.expect_problem(409, "hold-lost");
    TestApi::eventually("the money is given back", async || {
        api.count("SELECT count(*) FROM payment WHERE state = 'REFUNDED' AND refunded = captured")
            .await
            == 1
    })
    .await;
    let refunded: i64 = api
        .gateway
        .ledger()
        .await
        .iter()
        .map(|p| p["refunded"].as_i64().unwrap())
        .sum();
    assert_eq!(refunded, 110_000);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_withdrawn_performance_is_not_paid_for(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let (early, late) = (api.admitted_buyer(), api.admitted_buyer());
    let (first, second) = (early.held(["A-1"]).await, late.held(["A-2"]).await);
    let path = format!("/v1/admin/performances/{}", api.performance);
    let organiser = api.organiser();
    let (paid, withdrawn) = tokio::join!(late.pay(&second, "tok_slow"), async {
        api.until_one_is_being_paid().await;
        organiser.delete(&path).await
    });
    withdrawn.expect(204);
    paid.expect_problem(403, "sale-not-open");
    early
        .pay(&first, "tok_ok")
        .await
        .expect_problem(403, "sale-not-open");
    TestApi::eventually("no authorization stays open", async || {
        api.gateway
            .ledger()
            .await
            .iter()
            .all(|payment| payment["voided"] == payment["authorized"])
    })
    .await;
    assert_eq!(api.count("SELECT count(*) FROM audit.sold").await, 0);
}
