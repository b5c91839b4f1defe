//! The user of a request, by `Authorization: Bearer` or by cookie.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use shared::tokens::user::UserClaims;

use super::Cookies;
use super::same_origin::may_use_cookies;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::problems;

/// Somebody who has signed in, and whose session has not been revoked.
#[derive(Debug, Clone)]
pub(crate) struct User {
    claims: Arc<UserClaims>,
}

impl User {
    /// The id by which buyers are known.
    pub(crate) fn id(&self) -> &str {
        self.claims.sub.as_str()
    }

    /// What the token says.
    pub(crate) fn claims(&self) -> &UserClaims {
        &self.claims
    }
}

impl FromRequestParts<SharedApp> for User {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, ApiError> {
        let token = match bearer(parts) {
            Some(token) => token,
            None => by_cookie(parts, app)?,
        };
        let claims = app
            .verifiers
            .user(token)
            .map_err(|_bad_token| problems::user_token_invalid())?;
        if let (Some(sessions), Some(sid)) = (&app.sessions, &claims.sid) {
            sessions.check(sid).await?;
        }
        Ok(Self { claims })
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, token) = parts
        .headers
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn by_cookie<'a>(parts: &'a Parts, app: &SharedApp) -> Result<&'a str, ApiError> {
    let cookie = Cookies::of(&parts.headers, app.sealed).user();
    let token = cookie.ok_or_else(problems::user_token_invalid)?;
    if !may_use_cookies(&parts.method, &parts.headers) {
        return Err(problems::forbidden("This request comes from another site.").into());
    }
    Ok(token)
}
