//! Users who may create concerts and open sales.

use axum::extract::FromRequestParts;
use http::request::Parts;
use shared::ids::VisitorId;
use shared::tokens::user::Role;

use super::User;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::problems;

/// A user with the role of organiser.
#[derive(Debug, Clone)]
pub(crate) struct Organiser(User);

impl Organiser {
    /// The id of the user.
    pub(crate) fn id(&self) -> &VisitorId {
        &self.0.claims().sub
    }
}

impl FromRequestParts<SharedApp> for Organiser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, ApiError> {
        let user = User::from_request_parts(parts, app).await?;
        match user.claims().role {
            Some(Role::Organiser) => Ok(Self(user)),
            _ => Err(problems::forbidden("Only organisers may do this.").into()),
        }
    }
}
