//! The stable views for auditors.

use sqlx::{PgPool, Row};

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_views_show_what_was_sold_and_what_was_paid(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1", "C-2"]).await;
    buyer
        .pay(&hold, "tok_declined")
        .await
        .expect_problem(402, "payment-declined");
    let order = buyer.pay(&hold, "tok_ok").await.expect_created();
    TestApi::eventually("it is captured", async || {
        api.count("SELECT coalesce(sum(captured), 0)::bigint FROM audit.orders")
            .await
            == 180_000
    })
    .await;
    let sold = sqlx::query(
        "SELECT performance_id, seat_no, order_id::text, price FROM audit.sold ORDER BY seat_no",
    )
    .fetch_all(&api.pool)
    .await
    .unwrap();
    let sold: Vec<(i64, String, String, i64)> = sold
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect();
    let order_id = order["id"].as_str().unwrap().to_owned();
    let expected = [("A-1", 110_000), ("C-2", 70_000)]
        .map(|(seat, price)| (api.performance, seat.to_owned(), order_id.clone(), price));
    assert_eq!(sold, expected);
    let paid = sqlx::query(
        "SELECT id::text, buyer, state, amount, currency, payment_id::text, captured, refunded FROM audit.orders",
    )
    .fetch_one(&api.pool)
    .await
    .unwrap();
    assert_eq!(paid.get::<String, _>(0), order_id);
    assert_eq!(paid.get::<String, _>(1), buyer.id);
    assert_eq!(paid.get::<String, _>(2), "CONFIRMED");
    assert_eq!(
        (paid.get::<i64, _>(3), paid.get::<String, _>(4)),
        (180_000, "KRW".to_owned())
    );
    // The payment that took the money, not the one that was declined before.
    let keys: Vec<_> = api
        .gateway
        .ledger()
        .await
        .into_iter()
        .filter(|p| p["captured"] == 180_000)
        .collect();
    assert_eq!(keys[0]["key"], paid.get::<String, _>(5));
    assert_eq!((paid.get::<i64, _>(6), paid.get::<i64, _>(7)), (180_000, 0));
}
