//! What organisers change after it was announced.

use serde_json::json;
use sqlx::PgPool;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_concert_is_corrected(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let performance = format!("/v1/performances/{}", api.performance);
    let concert = api.get(&performance).await.expect(200)["concert"].clone();
    let (organiser, path) = (api.organiser(), format!("/v1/admin/concerts/{concert}"));
    let changed = organiser
        .patch(&path, &json!({"title": "Summer"}))
        .await
        .expect(200);
    assert_eq!(
        (&changed["title"], &changed["venue"]),
        (&json!("Summer"), &json!("Hall"))
    );
    assert_eq!(changed["performances"][0]["id"], api.performance);
    // The organiser's own change shows at once.
    let shown = api
        .get(&format!("/v1/concerts/{concert}"))
        .await
        .expect(200);
    assert_eq!(shown["title"], "Summer");
    for (body, field) in [
        (json!({"title": ""}), "title"),
        (json!({"venue": "a\u{0}b"}), "venue"),
        (json!({"id": 7}), "id"),
    ] {
        let problem = organiser
            .patch(&path, &body)
            .await
            .expect_problem(400, "invalid-request");
        assert_eq!(problem["field"], field, "{body}");
    }
    organiser
        .patch("/v1/admin/concerts/1", &json!({}))
        .await
        .expect_problem(404, "not-found");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn the_terms_of_a_sale_are_changed_and_what_was_bought_stays(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let hold = buyer.held(["A-1", "A-2"]).await;
    buyer.pay(&hold, "tok_ok").await.expect_created();
    let (organiser, path) = (
        api.organiser(),
        format!("/v1/admin/performances/{}", api.performance),
    );
    let change = json!({"seats_per_buyer_max": 1, "hold_ttl_seconds": 30, "starts_at": "2099-12-25T11:00:00Z"});
    let changed = organiser.patch(&path, &change).await.expect(200);
    assert_eq!(
        (
            &changed["seats_per_buyer_max"],
            &changed["hold_ttl_seconds"],
            &changed["starts_at"]
        ),
        (&json!(1), &json!(30), &json!("2099-12-25T11:00:00Z"))
    );
    buyer
        .admitted_again()
        .hold(["A-3"])
        .await
        .expect_problem(422, "too-many-seats");
    let other = api.admitted_buyer();
    other
        .hold(["A-3", "A-4"])
        .await
        .expect_problem(422, "too-many-seats");
    other.held(["A-3"]).await;
    assert_eq!(api.count("SELECT count(*) FROM audit.sold").await, 2);

    organiser
        .patch(&path, &json!({"sale_closes_at": "2020-01-02T00:00:00Z", "sale_opens_at": "2020-01-01T00:00:00Z"}))
        .await
        .expect(200);
    api.admitted_buyer()
        .hold(["B-1"])
        .await
        .expect_problem(403, "sale-not-open");
    for (body, field) in [
        (
            json!({"sale_closes_at": "2019-01-01T00:00:00Z"}),
            "sale_closes_at",
        ),
        (json!({"starts_at": "1492-01-01T00:00:00Z"}), "starts_at"),
        (json!({"room": "Not a room"}), "room"),
        (json!({"seats_per_buyer_max": 0}), "seats_per_buyer_max"),
        (json!({"hold_ttl_seconds": 901}), "hold_ttl_seconds"),
        (json!({"tiers": []}), "tiers"),
    ] {
        let problem = organiser
            .patch(&path, &body)
            .await
            .expect_problem(400, "invalid-request");
        assert_eq!(problem["field"], field, "{body}");
    }
    organiser.delete(&path).await.expect(204);
    organiser
        .patch(&path, &json!({}))
        .await
        .expect_problem(404, "not-found");
}
