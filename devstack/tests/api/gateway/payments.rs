//! What happens to a payment.

use reqwest::StatusCode;
use serde_json::json;

use super::till::{Till, order};

#[tokio::test]
async fn a_payment_is_authorized_captured_and_refunded() {
    let till = Till::open().await;
    let payment = till.authorized("k-1").await;
    let (_, document) = till.operate(&payment, "capture", "c-1").await;
    assert_eq!(document["state"], "CAPTURED");
    assert_eq!(document["captured"], 1_000);
    let part = json!({"amount": 300});
    let path = format!("/v1/payments/{payment}/refund");
    let (_, document) = till.post(&path, Some("r-1"), &part).await;
    assert_eq!(document["refunded"], 300);
    let (_, document) = till.operate(&payment, "refund", "r-2").await;
    assert_eq!(document["refunded"], 1_000);
    let (status, problem) = till.operate(&payment, "refund", "r-3").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["type"], "/problems/amount-too-large");
}

#[tokio::test]
async fn a_charge_takes_the_money_at_once() {
    let till = Till::open().await;
    let (_, document) = till
        .post("/v1/payments", Some("k-1"), &order("charge", "tok_ok"))
        .await;
    assert_eq!(document["state"], "CAPTURED");
    let item = till.ledger_item("k-1").await;
    assert_eq!(
        (&item["authorized"], &item["captured"]),
        (&json!(1_000), &json!(1_000))
    );
}

#[tokio::test]
async fn the_same_key_is_the_same_payment() {
    let till = Till::open().await;
    let first = till.authorize("k-1", "tok_ok").await;
    assert_eq!(till.authorize("k-1", "tok_ok").await, first);
    let (_, page) = till.get("/v1/ledger").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_order_is_refused() {
    let till = Till::open().await;
    till.authorized("k-1").await;
    let mut other = order("authorize", "tok_ok");
    other["amount"] = json!(2_000);
    let (status, problem) = till.post("/v1/payments", Some("k-1"), &other).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["type"], "/problems/idempotency-mismatch");
}

#[tokio::test]
async fn fifty_arrivals_of_one_key_at_once_are_one_payment() {
    let till = Till::open().await;
    let arrivals = (0..50).map(|_| till.authorize("k-1", "tok_ok"));
    let answers = futures_util::future::join_all(arrivals).await;
    assert!(
        answers
            .iter()
            .all(|answer| *answer == answers[0] && answer.0 == StatusCode::OK)
    );
    let (_, page) = till.get("/v1/ledger").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_operation_done_twice_under_one_key_is_done_once() {
    let till = Till::open().await;
    let payment = till.authorized("k-1").await;
    let first = till.operate(&payment, "capture", "c-1").await;
    assert_eq!(till.operate(&payment, "capture", "c-1").await, first);
    let part = json!({"amount": 300});
    let path = format!("/v1/payments/{payment}/refund");
    till.post(&path, Some("r-1"), &part).await;
    let (_, document) = till.post(&path, Some("r-1"), &part).await;
    assert_eq!(document["refunded"], 300);
}

#[tokio::test]
async fn what_the_state_forbids_is_refused() {
    let till = Till::open().await;
    let payment = till.authorized("k-1").await;
    assert_eq!(
        till.operate(&payment, "refund", "r-1").await.0,
        StatusCode::CONFLICT
    );
    till.operate(&payment, "void", "v-1").await;
    let (status, problem) = till.operate(&payment, "capture", "c-1").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["type"], "/problems/state-forbids");
    // Nothing is left to release, and that is what was wanted.
    assert_eq!(
        till.operate(&payment, "void", "v-2").await.1["state"],
        "VOIDED"
    );
    let item = till.ledger_item("k-1").await;
    assert_eq!(
        (&item["authorized"], &item["voided"], &item["captured"]),
        (&json!(1_000), &json!(1_000), &json!(0))
    );
}

#[tokio::test]
async fn a_cancelled_key_undoes_what_exists() {
    let till = Till::open().await;
    till.authorized("k-1").await;
    let (_, document) = till
        .post("/v1/payments/cancel", None, &json!({"key": "k-1"}))
        .await;
    assert_eq!(document["state"], "VOIDED");
    // Asked again, the gateway does not come back to what it said first.
    assert_eq!(till.authorize("k-1", "tok_ok").await.1["state"], "VOIDED");

    till.post("/v1/payments", Some("k-2"), &order("charge", "tok_ok"))
        .await;
    till.post("/v1/payments/cancel", None, &json!({"key": "k-2"}))
        .await;
    let item = till.ledger_item("k-2").await;
    assert_eq!(
        (&item["captured"], &item["refunded"]),
        (&json!(1_000), &json!(1_000))
    );
}

#[tokio::test]
async fn a_cancelled_key_makes_a_later_arrival_come_to_nothing() {
    let mut till = Till::open().await;
    let (status, _) = till
        .post("/v1/payments/cancel", None, &json!({"key": "k-1"}))
        .await;
    assert_eq!(status, StatusCode::OK);
    till.restart_gateway().await;
    assert_eq!(till.authorize("k-1", "tok_ok").await.1["state"], "VOIDED");
    assert_eq!(till.ledger_item("k-1").await["authorized"], 0);
}

#[tokio::test]
async fn a_payment_that_was_captured_is_refunded_not_cancelled() {
    let till = Till::open().await;
    let payment = till.authorized("k-1").await;
    till.operate(&payment, "capture", "c-1").await;
    let (status, _) = till
        .post("/v1/payments/cancel", None, &json!({"key": "k-1"}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(till.ledger_item("k-1").await["refunded"], 0);
}

#[tokio::test]
async fn a_look_up_finds_a_payment_by_its_key() {
    let till = Till::open().await;
    assert_eq!(
        till.get("/v1/payments?key=k-1").await.0,
        StatusCode::NOT_FOUND
    );
    let payment = till.authorized("k-1").await;
    assert_eq!(till.get("/v1/payments?key=k-1").await.1["payment"], payment);
}

#[tokio::test]
async fn bad_input_gets_a_problem_that_says_what_to_change() {
    let till = Till::open().await;
    for (field, value, told) in [
        ("amount", json!(0), "amount"),
        ("amount", json!(1.5), "1.5"),
        ("currency", json!("won"), "currency"),
        ("mode", json!("later"), "later"),
        (
            "method",
            json!({"kind": "cash", "token": "tok_ok"}),
            "method.kind",
        ),
        ("reference", json!("x".repeat(129)), "reference"),
        ("surprise", json!(true), "surprise"),
    ] {
        let mut order = order("authorize", "tok_ok");
        order[field] = value;
        let (status, problem) = till.post("/v1/payments", Some("k-1"), &order).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{order}");
        assert_eq!(problem["type"], "/problems/invalid-request");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(told), "{field}: {detail}");
    }
    let (status, problem) = till
        .post("/v1/payments", None, &order("authorize", "tok_ok"))
        .await;
    assert_eq!(
        (status, &problem["type"]),
        (
            StatusCode::BAD_REQUEST,
            &json!("/problems/idempotency-key-missing")
        )
    );
    let large = json!({"reference": "x".repeat(20_000)});
    assert_eq!(
        till.post("/v1/payments", Some("k-1"), &large).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(
        till.operate("pay_none", "capture", "c-1").await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(till.get("/v1/nowhere").await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        till.post("/v1/ledger", None, &order("authorize", "tok_ok"))
            .await
            .0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        till.get("/v1/ledger?cursor=soon").await.0,
        StatusCode::BAD_REQUEST
    );
}
