//! `POST /v1/sessions`: sign in.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, SET_COOKIE};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shared::clock;
use shared::tokens::ISSUER;
use shared::tokens::user::{Role, UserClaims};
use utoipa::ToSchema;
use uuid::Uuid;

use super::email::Email;
use super::{secret, store};
use crate::app::{App, SharedApp};
use crate::error::ApiError;
use crate::http::JsonBody;
use crate::problems;

/// Credentials.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    email: String,
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// A session that has begun. The token is also set as a cookie for pages.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    user_token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Sign in
#[utoipa::path(post, path = "/v1/sessions", tag = "accounts", request_body = Credentials,
    responses((status = 201, body = Session), (status = 401, description = "credentials-invalid")))]
pub(crate) async fn log_in(
    State(app): State<SharedApp>,
    JsonBody(credentials): JsonBody<Credentials>,
) -> Result<Response, ApiError> {
    let email = Email::parse(&credentials.email)?;
    app.tasks
        .clone()
        .run_to_end(async move {
            let account = store::by_email(&app.primary, &email).await?;
            let hashed = account
                .as_ref()
                .map(|account| account.password_hash.clone());
            let is_right = app.passwords.is_right(credentials.password, hashed).await?;
            match account {
                Some(account) if is_right => {
                    begin(&app, account.id, role(account.role.as_deref())).await
                }
                _ => Err(problems::credentials_invalid().into()),
            }
        })
        .await
}

/// Begins a session of an account, and answers with its token.
pub(super) async fn begin(
    app: &App,
    account: Uuid,
    role: Option<Role>,
) -> Result<Response, ApiError> {
    let lifetime = SignedDuration::from_mins(app.settings.accounts.session_minutes);
    let (session, iat) = (Uuid::now_v7(), clock::now_seconds());
    let exp = iat + lifetime.as_secs();
    let expires_at = Timestamp::from_second(exp).unwrap_or(Timestamp::MAX);
    store::begin_session(&app.primary, session, account, expires_at).await?;
    let claims = UserClaims {
        iss: ISSUER.to_owned(),
        sub: account
            .to_string()
            .parse()
            .expect("a UUID is visible ASCII"),
        sid: Some(session.to_string()),
        role,
        iat,
        exp,
    };
    let signer = app.signer.as_ref().ok_or_else(problems::not_found)?;
    let user_token = signer.sign(&claims).map_err(ApiError::Signing)?;
    let headers = [
        (
            SET_COOKIE,
            app.sealed.set_user(&user_token, lifetime.as_secs()),
        ),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((
        StatusCode::CREATED,
        headers,
        Json(Session {
            user_token,
            expires_at,
        }),
    )
        .into_response())
}

fn role(name: Option<&str>) -> Option<Role> {
    match name {
        Some("organiser") => Some(Role::Organiser),
        Some("operator") => Some(Role::Operator),
        _ => None,
    }
}
