//! A gateway that misbehaves on demand.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use super::till::{Till, order};

#[tokio::test]
async fn a_card_is_declined_with_a_reason() {
    let till = Till::open().await;
    for (token, reason) in [
        ("tok_declined", "card_declined"),
        ("tok_stolen", "card_unknown"),
    ] {
        let (status, document) = till.authorize(token, token).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            (&document["state"], &document["reason"]),
            (&json!("DECLINED"), &json!(reason))
        );
        assert_eq!(till.ledger_item(token).await["authorized"], 0);
    }
}

#[tokio::test]
async fn an_error_does_nothing_at_all() {
    let till = Till::open().await;
    for _ in 0..3 {
        assert_eq!(
            till.authorize("k-1", "tok_error").await.0,
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }
    assert_eq!(
        till.get("/v1/payments?key=k-1").await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_lost_answer_is_a_payment_that_the_repeat_finds() {
    let till = Till::open().await;
    let lost = till
        .try_post(
            "/v1/payments",
            Some("k-1"),
            &order("charge", "tok_lost_answer"),
        )
        .await;
    assert!(lost.is_none_or(|(status, _)| status == StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(till.ledger_item("k-1").await["captured"], 1_000);
    let again = till
        .post(
            "/v1/payments",
            Some("k-1"),
            &order("charge", "tok_lost_answer"),
        )
        .await;
    assert_eq!(
        (again.0, &again.1["state"]),
        (StatusCode::OK, &json!("CAPTURED"))
    );
}

#[tokio::test]
async fn a_refused_capture_stays_refused_and_releases_the_money() {
    let mut till = Till::open().await;
    let (_, document) = till.authorize("k-1", "tok_capture_refused").await;
    let payment = document["payment"].as_str().unwrap().to_owned();
    let (status, problem) = till.operate(&payment, "capture", "c-1").await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::CONFLICT, &json!("/problems/capture-refused"))
    );
    till.restart_gateway().await;
    assert_eq!(
        till.operate(&payment, "capture", "c-1").await.1["type"],
        "/problems/capture-refused"
    );
    assert_eq!(
        till.operate(&payment, "void", "v-1").await.1["state"],
        "VOIDED"
    );
    let item = till.ledger_item("k-1").await;
    assert_eq!(
        (&item["captured"], &item["voided"]),
        (&json!(0), &json!(1_000))
    );
}

#[tokio::test]
async fn faults_are_switched_on_and_off() {
    let till = Till::open().await;
    let all_decline = json!({"decline_rate": 1.0});
    let (_, in_force) = till.post("/v1/faults", None, &all_decline).await;
    assert_eq!(
        (&in_force["decline_rate"], &in_force["error_rate"]),
        (&json!(1.0), &json!(0.0))
    );
    assert_eq!(till.authorize("k-1", "tok_ok").await.1["state"], "DECLINED");

    till.post("/v1/faults", None, &json!({"error_rate": 1.0}))
        .await;
    assert_eq!(
        till.authorize("k-2", "tok_ok").await.0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    // Auditors are never lied to.
    assert_eq!(till.get("/v1/ledger").await.0, StatusCode::OK);

    till.post("/v1/faults", None, &json!({"lose_answer_rate": 1.0}))
        .await;
    let lost = till
        .try_post("/v1/payments", Some("k-3"), &order("charge", "tok_ok"))
        .await;
    assert!(lost.is_none_or(|(status, _)| status == StatusCode::INTERNAL_SERVER_ERROR));

    till.post("/v1/faults", None, &json!({})).await;
    let (_, found) = till
        .post("/v1/payments", Some("k-3"), &order("charge", "tok_ok"))
        .await;
    assert_eq!(found["state"], "CAPTURED");
    till.authorized("k-4").await;
}

#[tokio::test]
async fn impossible_faults_are_refused() {
    let till = Till::open().await;
    for faults in [
        json!({"decline_rate": 1.1}),
        json!({"error_rate": -0.1}),
        json!({"delay_ms": 1_000_000}),
        json!({"explode": true}),
    ] {
        let (status, _) = till.post("/v1/faults", None, &faults).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{faults}");
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_has_paid_all_the_same() {
    let till = Till::open().await;
    till.post("/v1/faults", None, &json!({"delay_ms": 300}))
        .await;
    let order = order("charge", "tok_ok");
    let call = till.try_post("/v1/payments", Some("k-1"), &order);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), call)
            .await
            .is_err()
    );
    let deadline = Instant::now() + Duration::from_secs(10);
    while till.get("/v1/payments?key=k-1").await.0 != StatusCode::OK {
        assert!(
            Instant::now() < deadline,
            "what the gateway had begun was not done"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
