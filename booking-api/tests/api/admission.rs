//! No seat is shown or held without a valid admission of the right room and buyer (I5).

use serde_json::json;
use shared::tokens::admission::AdmissionClaims;
use sqlx::PgPool;

use crate::buyer::Buyer;
use crate::test_api::TestApi;

async fn refused(buyer: &Buyer<'_>, slug: &str) {
    let seats = format!("/v1/performances/{}/seats", buyer.api.performance);
    let shown = buyer.get(&seats).await.expect_problem(403, slug);
    let held = buyer.hold(["A-1"]).await.expect_problem(403, slug);
    let line = format!("http://line.test/rooms/{}", buyer.api.room);
    assert_eq!(
        (&shown["waiting_room"], &held["waiting_room"]),
        (&json!(line), &json!(line))
    );
}

fn with<'a>(buyer: &Buyer<'a>, token: String) -> Buyer<'a> {
    Buyer {
        admission: Some(token),
        ..buyer.clone()
    }
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn what_is_no_admission_leads_to_the_line(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.user();
    refused(&buyer, "admission-required").await;
    let good = api.admission_token(&api.admission(&buyer.id));
    let (head, tail) = good.split_at(good.len() - 4);
    let (_, claims_and_signature) = good.split_once('.').unwrap();
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims_and_signature}");
    for forged in [
        "",
        "nonsense",
        &format!("{head}AAAA"),
        &format!("{tail}.{head}"),
        &unsigned,
        &buyer.token,
    ] {
        refused(&with(&buyer, (*forged).to_owned()), "admission-required").await;
    }
    let elsewhere = AdmissionClaims {
        aud: "another-room".parse().unwrap(),
        ..api.admission(&buyer.id)
    };
    refused(
        &with(&buyer, api.admission_token(&elsewhere)),
        "admission-required",
    )
    .await;
    let issued_elsewhere = AdmissionClaims {
        iss: "evil".to_owned(),
        ..api.admission(&buyer.id)
    };
    refused(
        &with(&buyer, api.admission_token(&issued_elsewhere)),
        "admission-required",
    )
    .await;
    assert_eq!(api.count("SELECT count(*) FROM hold").await, 0);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn an_admission_is_its_visitors_own(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let (buyer, other) = (api.user(), api.user());
    let stolen = api.admission_token(&api.admission(&other.id));
    refused(&with(&buyer, stolen), "admission-not-yours").await;
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn an_admission_ends(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.user();
    let now = shared::clock::now_seconds();
    let expired = AdmissionClaims {
        iat: now - 600,
        nbf: now - 600,
        exp: now - 60,
        ..api.admission(&buyer.id)
    };
    refused(
        &with(&buyer, api.admission_token(&expired)),
        "admission-expired",
    )
    .await;
    let claims = api.admission(&buyer.id);
    let admitted = with(&buyer, api.admission_token(&claims));
    assert_eq!(admitted.seat("A-1").await, "AVAILABLE");
    let line = api.line().await;
    // There is no room here, which may be lost; the token is refused all the same.
    line.finish(&claims).await.unwrap_err();
    refused(&admitted, "admission-expired").await;
    // Another admission of the same visitor is another matter.
    let again = with(&buyer, api.admission_token(&api.admission(&buyer.id)));
    assert_eq!(again.seat("A-1").await, "AVAILABLE");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn paying_extending_and_releasing_need_only_the_buyer(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let admitted = api.admitted_buyer();
    let hold = admitted.held(["A-1"]).await;
    let buyer = admitted.without_admission();
    buyer.get(&format!("/v1/holds/{hold}")).await.expect(200);
    buyer
        .post(&format!("/v1/holds/{hold}/extension"), &json!({}))
        .await
        .expect(200);
    buyer.pay(&hold, "tok_ok").await.expect_created();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn browsers_carry_tokens_as_cookies_and_only_our_pages_may_use_them(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let buyer = api.admitted_buyer();
    let cookies = format!(
        "user={}; admission-{}={}",
        buyer.token,
        api.room,
        buyer.admission.as_ref().unwrap()
    );
    let seats = format!("/v1/performances/{}/seats", api.performance);
    let send = async |request: reqwest::RequestBuilder| {
        super::answer::Answer::read(request.header("cookie", &cookies).send().await.unwrap()).await
    };
    send(api.request(reqwest::Method::GET, &seats))
        .await
        .expect(200);
    let hold = || {
        let request = api
            .request(reqwest::Method::POST, &buyer.holds())
            .header("Idempotency-Key", "k");
        request.json(&json!({"seats": ["A-1"]}))
    };
    send(hold()).await.expect_problem(403, "forbidden");
    send(hold().header("origin", "https://evil.example"))
        .await
        .expect_problem(403, "forbidden");
    send(hold().header("sec-fetch-site", "cross-site"))
        .await
        .expect_problem(403, "forbidden");
    // The user by header, the admission by cookie: the cookie alone may not open the door either.
    send(hold().bearer_auth(&buyer.token))
        .await
        .expect_problem(403, "forbidden");
    send(hold().header("sec-fetch-site", "same-origin"))
        .await
        .expect_created();
    let origin = api.base.clone();
    send(hold().header("origin", origin)).await.expect_created();
}
