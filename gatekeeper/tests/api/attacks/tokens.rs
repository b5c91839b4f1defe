//! Tokens that were made up, changed, or that are somebody else's.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::ids::Number;
use shared::tokens::waiting::{WaitingClaims, WaitingKeys};

use crate::events::reader::try_open;
use crate::gate::{Gate, LONG, expect_problem, fast_room, text};

/// That nothing that asks for a waiting token takes this one.
async fn is_refused(gate: &Gate, token: &str) {
    for (method, below) in [
        (Method::GET, "/visitors/me"),
        (Method::GET, "/visitors/me/events"),
        (Method::DELETE, "/visitors/me"),
    ] {
        let request = gate.request(method, below).bearer_auth(token);
        expect_problem(request.send().await.unwrap(), 401, "waiting-token-invalid").await;
    }
    let cookie = format!("waiting-{}={token}", gate.line.room());
    let request = gate.request(Method::GET, "/visitors/me");
    let by_cookie = request.header("cookie", cookie).send().await.unwrap();
    expect_problem(by_cookie, 401, "waiting-token-invalid").await;
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// `token` with its claims changed and its signature kept.
fn altered(token: &str, claim: &str, value: Value) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims = decoded(parts[1]);
    claims[claim] = value;
    format!("{}.{}.{}", parts[0], encoded(&claims), parts[2])
}

/// `token` with another algorithm in its header, with and without its signature.
fn swapped(token: &str, algorithm: &str) -> [String; 2] {
    let parts: Vec<&str> = token.split('.').collect();
    let mut header = decoded(parts[0]);
    header["alg"] = algorithm.into();
    let (header, claims, signature) = (encoded(&header), parts[1], parts[2]);
    [
        format!("{header}.{claims}.{signature}"),
        format!("{header}.{claims}."),
    ]
}

async fn claims_of_ada(gate: &Gate) -> WaitingClaims {
    let snapshot = gate.line.snapshot(0).await.unwrap().unwrap();
    let (visitor, room) = ("ada".parse().unwrap(), gate.line.room().clone());
    WaitingClaims::new(visitor, room, snapshot.settings.life, Number(1))
}

#[tokio::test]
async fn an_altered_token_opens_nothing() {
    let gate = Gate::start().await;
    let (_, token) = (
        gate.join("ada").await,
        text(&gate.join("bob").await, "token"),
    );
    let claims = decoded(token.split('.').nth(1).unwrap());
    let later = claims["exp"].as_i64().unwrap() + 3_600;
    for (claim, value) in [
        ("num", json!(1)),
        ("sub", json!("ada")),
        ("life", json!(claims["life"].as_u64().unwrap() + 1)),
        ("exp", json!(later)),
    ] {
        is_refused(&gate, &altered(&token, claim, value)).await;
    }
    assert_eq!(
        gate.poll(&token).await["number"],
        2,
        "the token itself is good"
    );
}

#[tokio::test]
async fn a_token_signed_with_another_secret_opens_nothing() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    let kid = decoded(token.split('.').next().unwrap())["kid"].clone();
    let kid = kid.as_str().unwrap();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("forger-{:08x}", rand::random::<u32>()));
    std::fs::create_dir_all(&folder).unwrap();
    let secret = base64::engine::general_purpose::STANDARD.encode([7; 32]);
    std::fs::write(folder.join(format!("{kid}.key")), secret).unwrap();
    std::fs::write(folder.join("current"), kid).unwrap();
    let forger = WaitingKeys::open(&folder).unwrap();
    let claims = claims_of_ada(&gate).await;
    is_refused(&gate, &forger.sign(&claims).unwrap()).await;
}

#[tokio::test]
async fn an_expired_token_opens_nothing() {
    let gate = Gate::start().await;
    gate.join("ada").await;
    let keys = WaitingKeys::open(&devstack::test_stores::keys_dir().join("waiting")).unwrap();
    let mut claims = claims_of_ada(&gate).await;
    assert_eq!(gate.poll(&keys.sign(&claims).unwrap()).await["number"], 1);
    claims.exp = claims.iat - 60;
    is_refused(&gate, &keys.sign(&claims).unwrap()).await;
}

#[tokio::test]
async fn a_token_with_no_algorithm_or_a_swapped_one_opens_nothing() {
    let gate = Gate::start().await;
    let (admitted, waiting) = gate.admitted("ada").await;
    for algorithm in ["none", "None", "HS384", "HS512", "EdDSA", "RS256", "ES256"] {
        for token in swapped(&waiting, algorithm) {
            is_refused(&gate, &token).await;
        }
    }
    let admission = text(&admitted, "admission_token");
    let user = gate.user_token("ada");
    is_refused(&gate, &admission).await;
    is_refused(&gate, &user).await;
    for algorithm in ["none", "HS256", "RS256"] {
        for token in swapped(&admission, algorithm) {
            let request = gate.request(Method::GET, "/admission");
            let request = request.header("admission-token", token);
            let response = request.send().await.unwrap();
            expect_problem(response, 401, "admission-token-invalid").await;
        }
        for token in swapped(&user, algorithm) {
            let request = gate.request(Method::POST, "/visitors").bearer_auth(token);
            expect_problem(request.send().await.unwrap(), 401, "user-token-invalid").await;
        }
    }
}

#[tokio::test]
async fn a_token_of_another_room_opens_nothing() {
    let (gate, other) = (Gate::start().await, Gate::start().await);
    gate.join("ada").await;
    let token = text(&other.join("ada").await, "token");
    is_refused(&gate, &token).await;
    is_refused(
        &gate,
        &altered(&token, "room", gate.line.room().as_str().into()),
    )
    .await;
}

#[tokio::test]
async fn a_token_of_an_earlier_life_opens_nothing_and_gives_nothing_up() {
    let gate = Gate::start().await;
    let token = text(&gate.join("ada").await, "token");
    gate.line.remove().await.unwrap();
    gate.line.create(&fast_room()).await.unwrap();
    let began = Instant::now();
    while try_open(&gate, &token).await.status() != StatusCode::UNAUTHORIZED {
        assert!(began.elapsed() < LONG, "the old token is still good");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The same visitor has the same number again.
    let fresh = gate.join("ada").await;
    assert_eq!(fresh["number"], 1);
    expect_problem(gate.try_poll(&token).await, 401, "waiting-token-invalid").await;
    gate.leave(&token).await;
    let snapshot = gate.line.snapshot(0).await.unwrap().unwrap();
    assert_eq!((snapshot.lowest_waiting, snapshot.waiting), (Some(1), 1));
    assert_eq!(gate.poll(&text(&fresh, "token")).await["state"], "waiting");
}
