//! Admission tokens, and the question of other sites whether somebody may pass.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use shared::tokens::admission::{AdmissionClaims, AdmissionVerifier};
use shared::tokens::jwks::JwksFile;

use crate::gate::{Gate, LONG, expect_problem, fast_room, text};

async fn ask(gate: &Gate, token: &str) -> Response {
    gate.request(Method::GET, "/admission")
        .header("admission-token", token)
        .send()
        .await
        .unwrap()
}

fn verified(gate: &Gate, token: &str) -> AdmissionClaims {
    let keys = devstack::test_stores::keys_dir().join("admission-jwks.json");
    let verifier = AdmissionVerifier::new(JwksFile::open(&keys).unwrap());
    verifier.verify(token, gate.line.room()).unwrap()
}

#[tokio::test]
async fn an_admission_token_names_its_visitor_room_and_number() {
    let gate = Gate::start().await;
    let (document, _) = gate.admitted("ada").await;
    let claims = verified(&gate, &text(&document, "admission_token"));
    assert_eq!(claims.sub.as_str(), "ada");
    assert_eq!(claims.num.0, 1);
    let expires_at: jiff::Timestamp = text(&document, "expires_at").parse().unwrap();
    assert_eq!(claims.exp, expires_at.as_second());
}

#[tokio::test]
async fn another_site_may_ask_whether_somebody_may_pass() {
    let gate = Gate::start().await;
    let (document, waiting) = gate.admitted("ada").await;
    let token = text(&document, "admission_token");
    assert_eq!(ask(&gate, &token).await.status(), 204);
    let cookie = format!("admission-{}={token}", gate.line.room());
    let by_cookie = gate
        .request(Method::GET, "/admission")
        .header("cookie", cookie);
    assert_eq!(by_cookie.send().await.unwrap().status(), 204);
    for bad in ["", "a.b.c", &waiting, &gate.user_token("ada")] {
        expect_problem(ask(&gate, bad).await, 401, "admission-token-invalid").await;
    }
    expect_problem(gate.get("/admission").await, 401, "admission-token-invalid").await;
}

#[tokio::test]
async fn an_ended_admission_passes_no_more() {
    let gate = Gate::start().await;
    let (document, waiting) = gate.admitted("ada").await;
    let token = text(&document, "admission_token");
    gate.line.finish(&verified(&gate, &token)).await.unwrap();
    expect_problem(ask(&gate, &token).await, 401, "admission-token-invalid").await;
    gate.poll_until(&waiting, |document| document["state"] == "finished")
        .await;
}

#[tokio::test]
async fn an_admission_of_a_removed_room_passes_no_more_even_when_the_room_is_made_again() {
    let gate = Gate::start().await;
    let (document, _) = gate.admitted("ada").await;
    let token = text(&document, "admission_token");
    gate.line.remove().await.unwrap();
    let began = Instant::now();
    while gate.get("").await.status() != StatusCode::NOT_FOUND {
        assert!(began.elapsed() < LONG, "the room is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    expect_problem(ask(&gate, &token).await, 401, "admission-token-invalid").await;
    gate.line.create(&fast_room()).await.unwrap();
    while gate.get("").await.status() != StatusCode::OK {
        assert!(began.elapsed() < LONG, "the room is not there again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    expect_problem(ask(&gate, &token).await, 401, "admission-token-invalid").await;
    assert_eq!(gate.join("ada").await["state"], "waiting");
}

#[tokio::test]
async fn an_admission_of_another_room_passes_nowhere_else() {
    let (gate, other) = (Gate::start().await, Gate::start().await);
    let (document, _) = other.admitted("ada").await;
    let token = text(&document, "admission_token");
    expect_problem(ask(&gate, &token).await, 401, "admission-token-invalid").await;
}

#[tokio::test]
async fn the_public_keys_verify_what_was_signed() {
    let gate = Gate::start().await;
    let url = format!("http://{}/.well-known/jwks.json", gate.address);
    let response = gate.http.get(url).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    let published: Value = response.json().await.unwrap();
    assert!(
        published["keys"][0].get("d").is_none(),
        "a private key is published"
    );
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("jwks-{:08x}", rand::random::<u32>()));
    std::fs::write(&path, published.to_string()).unwrap();
    let verifier = AdmissionVerifier::new(JwksFile::open(&path).unwrap());
    let (document, _) = gate.admitted("ada").await;
    let token = text(&document, "admission_token");
    assert!(verifier.verify(&token, gate.line.room()).is_ok());
}
