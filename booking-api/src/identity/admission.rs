//! The admission of a request: proof that the waiting room has let this buyer in, for this room.
//!
//! The token is the authority until it expires. What has ended early only the line in Redis knows; that Redis knows
//! nothing never throws a buyer out (I11).

use std::convert::Infallible;
use std::error::Error;

use axum::extract::FromRequestParts;
use http::header::HeaderMap;
use http::request::Parts;
use shared::room::{AdmissionCheck, Line};
use shared::tokens::TokenError;
use shared::tokens::admission::AdmissionClaims;
use tracing::debug;

use super::same_origin::may_use_cookies;
use super::{Cookies, User};
use crate::app::{App, SharedApp};
use crate::error::ApiError;
use crate::performances::Performance;
use crate::problems;

const HEADER: &str = "admission-token";

/// What a request carries as admission, unchecked: the room to check it for is the performance's.
#[derive(Debug)]
pub(crate) struct Admission {
    headers: HeaderMap,
    may_use_cookies: bool,
}

impl FromRequestParts<SharedApp> for Admission {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _app: &SharedApp) -> Result<Self, Infallible> {
        let may_use_cookies = may_use_cookies(&parts.method, &parts.headers);
        Ok(Self {
            headers: parts.headers.clone(),
            may_use_cookies,
        })
    }
}

impl Admission {
    /// The claims, if `user` has been let into the room of `performance` and still is.
    pub(crate) async fn check(
        &self,
        app: &App,
        user: &User,
        performance: &Performance,
    ) -> Result<AdmissionClaims, ApiError> {
        let room = &performance.room;
        let waiting_room = app.waiting_room(room);
        let token = self.token(app, performance)?;
        let token = token.ok_or_else(|| problems::admission_required(&waiting_room))?;
        let claims = app
            .verifiers
            .admission(token, room)
            .map_err(|error| match error {
                TokenError::Expired => problems::admission_expired(&waiting_room),
                _ => problems::admission_required(&waiting_room),
            })?;
        if claims.sub.as_str() != user.id() {
            return Err(problems::admission_not_yours(&waiting_room).into());
        }
        match Line::new(app.redis.clone(), room.clone())
            .check_admission(&claims)
            .await
        {
            Ok(AdmissionCheck::Ended) => Err(problems::admission_expired(&waiting_room).into()),
            Ok(AdmissionCheck::Live) => Ok(AdmissionClaims::clone(&claims)),
            Err(error) => {
                debug!(error = &error as &dyn Error, "the token alone decides");
                Ok(AdmissionClaims::clone(&claims))
            }
        }
    }

    fn token(&self, app: &App, performance: &Performance) -> Result<Option<&str>, ApiError> {
        if let Some(header) = self.headers.get(HEADER) {
            return Ok(header.to_str().ok());
        }
        let cookie = Cookies::of(&self.headers, app.sealed).admission(&performance.room);
        if cookie.is_some() && !self.may_use_cookies {
            return Err(problems::forbidden("This request comes from another site.").into());
        }
        Ok(cookie)
    }
}
