//! `GET /v1/orders`: one's own.

use sqlx::PgPool;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn orders_come_newest_first_in_pages(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let mut orders = Vec::new();
    for seat in ["A-1", "A-2", "A-3"] {
        let hold = buyer.admitted_again().held([seat]).await;
        orders.insert(0, buyer.pay(&hold, "tok_ok").await.expect_created());
    }
    let first = buyer.get("/v1/orders?limit=2").await.expect(200);
    assert_eq!(first["items"].as_array().unwrap()[..], orders[..2]);
    let next = first["next_cursor"].as_str().unwrap();
    let second = buyer
        .get(&format!("/v1/orders?limit=2&cursor={next}"))
        .await;
    assert_eq!(second.header("cache-control"), "no-store");
    let second = second.expect(200);
    assert_eq!(second["items"].as_array().unwrap()[..], orders[2..]);
    assert!(second["next_cursor"].is_null());
    let one = buyer
        .get(&format!("/v1/orders/{}", orders[1]["id"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(one, orders[1]);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn anothers_order_is_not_found(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1"]).await;
    let order = buyer.pay(&hold, "tok_ok").await.expect_created();
    let other = api.user();
    for id in [
        order["id"].as_str().unwrap(),
        "00000000-0000-0000-0000-000000000000",
        "nothing",
    ] {
        other
            .get(&format!("/v1/orders/{id}"))
            .await
            .expect_problem(404, "order-not-found");
    }
    assert_eq!(
        other.get("/v1/orders").await.expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    api.get("/v1/orders")
        .await
        .expect_problem(401, "user-token-invalid");
    other
        .get("/v1/orders?cursor=x")
        .await
        .expect_problem(400, "invalid-request");
}
