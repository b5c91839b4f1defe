//! Built-in accounts and sessions.

use serde_json::{Value, json};
use shared::tokens::user::{Role, UserClaims};
use sqlx::PgPool;
use uuid::Uuid;

use crate::buyer::Buyer;
use crate::test_api::TestApi;

fn new_user() -> Value {
    json!({"email": format!("Kim-{}@Example.com", Uuid::new_v4()), "password": "correct horse", "name": "Kim"})
}

fn signed_in<'a>(api: &'a TestApi, session: &Value) -> Buyer<'a> {
    let token = session["user_token"].as_str().unwrap().to_owned();
    Buyer {
        api,
        id: String::new(),
        token,
        admission: None,
    }
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_new_account_is_signed_in_and_can_sign_in_again(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let user = new_user();
    let answer = api.post("/v1/users", &user).await;
    assert!(answer.header("set-cookie").starts_with("user="));
    assert!(
        answer
            .header("set-cookie")
            .contains("HttpOnly; SameSite=Lax")
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let session = answer.expect_created();
    signed_in(&api, &session)
        .get("/v1/orders")
        .await
        .expect(200);
    let shouted = user["email"].as_str().unwrap().to_uppercase();
    let again = api
        .post(
            "/v1/sessions",
            &json!({"email": shouted, "password": "correct horse"}),
        )
        .await;
    let again = again.expect_created();
    assert!(again["expires_at"].as_str().unwrap() > "2020");
    signed_in(&api, &again).get("/v1/orders").await.expect(200);
    let hashes = "SELECT count(*) FROM account WHERE password_hash LIKE '$argon2id$%'";
    assert_eq!(api.count(hashes).await, 1);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn an_address_has_one_account(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let mut user = new_user();
    api.post("/v1/users", &user).await.expect_created();
    user["email"] = user["email"].as_str().unwrap().to_lowercase().into();
    api.post("/v1/users", &user)
        .await
        .expect_problem(409, "email-taken");
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn wrong_credentials_do_not_tell_which_part_is_wrong(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let user = new_user();
    api.post("/v1/users", &user).await.expect_created();
    let wrong = api
        .post(
            "/v1/sessions",
            &json!({"email": user["email"], "password": "wrong horse"}),
        )
        .await;
    let nobody = api
        .post(
            "/v1/sessions",
            &json!({"email": "nobody@example.com", "password": "wrong horse"}),
        )
        .await;
    assert_eq!(
        wrong.expect_problem(401, "credentials-invalid"),
        nobody.expect_problem(401, "credentials-invalid")
    );
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn signing_out_revokes_the_session_at_every_instance(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let session = api.post("/v1/users", &new_user()).await.expect_created();
    let (one, other_session) = (
        signed_in(&api, &session),
        api.post("/v1/users", &new_user()).await.expect_created(),
    );
    let (base, shutdown) = api.another_instance(&[]).await;
    let elsewhere = async || {
        let request = reqwest::Client::new()
            .get(format!("{base}/v1/orders"))
            .bearer_auth(&one.token);
        super::answer::Answer::read(request.send().await.unwrap()).await
    };
    one.get("/v1/orders").await.expect(200);
    elsewhere().await.expect(200);
    one.delete("/v1/sessions/current").await.expect(204);
    one.get("/v1/orders")
        .await
        .expect_problem(401, "session-revoked");
    elsewhere().await.expect_problem(401, "session-revoked");
    one.delete("/v1/sessions/current")
        .await
        .expect_problem(401, "session-revoked");
    signed_in(&api, &other_session)
        .get("/v1/orders")
        .await
        .expect(200);
    shutdown.soft().cancel();
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_session_that_never_was_is_revoked(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let iat = shared::clock::now_seconds();
    for sid in [Uuid::new_v4().to_string(), "not-a-session".to_owned()] {
        let claims = UserClaims {
            iss: "onsale".to_owned(),
            sub: "somebody".parse().unwrap(),
            sid: Some(sid),
            role: None,
            iat,
            exp: iat + 60,
        };
        let user = Buyer {
            api: &api,
            id: String::new(),
            token: api.sign_user(&claims),
            admission: None,
        };
        user.get("/v1/orders")
            .await
            .expect_problem(401, "session-revoked");
    }
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn a_bad_user_token_is_refused(pool: PgPool) {
    let api = TestApi::start(pool).await;
    api.get("/v1/orders")
        .await
        .expect_problem(401, "user-token-invalid");
    let good = api.user_token("somebody", Some(Role::Organiser));
    let now = shared::clock::now_seconds();
    let claims = |iss: &str, exp| UserClaims {
        iss: iss.to_owned(),
        sub: "somebody".parse().unwrap(),
        sid: None,
        role: None,
        iat: now - 600,
        exp,
    };
    let bad = [
        String::new(),
        "nonsense".to_owned(),
        format!("{good}x"),
        api.sign_user(&claims("onsale", now - 60)),
        api.sign_user(&claims("somebody-else", now + 60)),
        api.admission_token(&api.admission("somebody")),
    ];
    for token in bad {
        let user = Buyer {
            api: &api,
            id: String::new(),
            token,
            admission: None,
        };
        user.get("/v1/orders")
            .await
            .expect_problem(401, "user-token-invalid");
    }
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn nonsense_makes_no_account(pool: PgPool) {
    let api = TestApi::start(pool).await;
    for (change, field) in [
        (json!({"email": "nobody"}), "email"),
        (json!({"email": 7}), "email"),
        (json!({"password": "short"}), "password"),
        (json!({"password": "x".repeat(257)}), "password"),
        (json!({"name": ""}), "name"),
        (json!({"name": "\u{0}"}), "name"),
        (json!({"role": "organiser"}), "role"),
    ] {
        let mut user = new_user();
        user.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let problem = api
            .post("/v1/users", &user)
            .await
            .expect_problem(400, "invalid-request");
        assert_eq!(problem["field"], field, "{change}");
    }
    assert_eq!(api.count("SELECT count(*) FROM account").await, 0);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn accounts_can_be_switched_off(pool: PgPool) {
    let api = TestApi::start_with(pool, &["--accounts", "off"]).await;
    api.post("/v1/users", &new_user())
        .await
        .expect_problem(404, "not-found");
    api.post("/v1/sessions", &new_user())
        .await
        .expect_problem(404, "not-found");
    // Tokens of the issuer outside are good, whatever sessions it has.
    let iat = shared::clock::now_seconds();
    let claims = UserClaims {
        iss: "onsale".to_owned(),
        sub: "somebody".parse().unwrap(),
        sid: Some("theirs".to_owned()),
        role: None,
        iat,
        exp: iat + 60,
    };
    let user = Buyer {
        api: &api,
        id: String::new(),
        token: api.sign_user(&claims),
        admission: None,
    };
    user.get("/v1/orders").await.expect(200);
}

#[sqlx::test(migrator = "booking_api::MIGRATOR")]
async fn an_account_may_have_a_role(pool: PgPool) {
    let api = TestApi::start(pool).await;
    let user = new_user();
    let buyer = signed_in(&api, &api.post("/v1/users", &user).await.expect_created());
    let concert = json!({"title": "Mine", "venue": "Here"});
    buyer
        .post("/v1/admin/concerts", &concert)
        .await
        .expect_problem(403, "forbidden");
    sqlx::query("UPDATE account SET role = 'organiser'")
        .execute(&api.pool)
        .await
        .unwrap();
    let credentials = json!({"email": user["email"], "password": user["password"]});
    let organiser = signed_in(
        &api,
        &api.post("/v1/sessions", &credentials)
            .await
            .expect_created(),
    );
    organiser
        .post("/v1/admin/concerts", &concert)
        .await
        .expect_created();
}
