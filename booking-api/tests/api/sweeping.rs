//! What is old is ignored, whether or not anybody has tidied it.

use serde_json::json;
use sqlx::PgPool;

use crate::test_api::TestApi;

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_key_is_forgotten_after_a_day(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let first = buyer
        .post_as("key", &buyer.holds(), &json!({"seats": ["A-1"]}))
        .await
        .expect_created();
    buyer
        .delete(&format!("/v1/holds/{}", first["id"].as_str().unwrap()))
        .await
        .expect(204);
    sqlx::query("UPDATE idempotency SET created_at = created_at - interval '25 hours'")
        .execute(&api.pool)
        .await
        .unwrap();
    // For another request, under the key that nobody remembers.
    let second = buyer
        .post_as("key", &buyer.holds(), &json!({"seats": ["A-2"]}))
        .await
        .expect_created();
    assert_ne!(first["id"], second["id"]);
    assert_eq!(api.count("SELECT count(*) FROM idempotency").await, 1);
}
