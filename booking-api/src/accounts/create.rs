//! `POST /v1/users`: a new account, signed in at once.

use axum::extract::State;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use shared::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::email::Email;
use super::log_in::{self, Session};
use super::{secret, store};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::JsonBody;
use crate::problems;

/// NIST SP 800-63B: at least 8, no rules about which; the upper bound keeps hashing short.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=256;
const NAME_CHARS: std::ops::RangeInclusive<usize> = 1..=100;

/// A new account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    email: String,
    /// 8 to 256 characters.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    name: String,
}

/// Create an account
#[utoipa::path(post, path = "/v1/users", tag = "accounts", request_body = NewUser,
    responses((status = 201, body = Session), (status = 409, description = "email-taken")))]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    JsonBody(new): JsonBody<NewUser>,
) -> Result<Response, ApiError> {
    let email = Email::parse(&new.email)?;
    check("password", new.password.expose_secret(), PASSWORD_CHARS)?;
    check("name", &new.name, NAME_CHARS)?;
    app.tasks
        .clone()
        .run_to_end(async move {
            let hash = app.passwords.hash(new.password).await?;
            let account = Uuid::now_v7();
            let created = store::create(&app.primary, account, &email, &new.name, &hash).await;
            created.map_err(|error| {
                let is_taken = error.broke(store::EMAIL_TAKEN);
                if is_taken {
                    problems::email_taken().into()
                } else {
                    ApiError::from(error)
                }
            })?;
            log_in::begin(&app, account, None).await
        })
        .await
}

fn check(field: &str, text: &str, chars: std::ops::RangeInclusive<usize>) -> Result<(), Problem> {
    let is_good = chars.contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let detail = || {
        format!(
            "It has {} to {} characters, none of them a control character.",
            chars.start(),
            chars.end()
        )
    };
    if is_good {
        Ok(())
    } else {
        Err(problems::invalid_request(field, detail()))
    }
}
