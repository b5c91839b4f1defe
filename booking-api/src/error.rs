//! What a handler ends with when it does not end well, and its one conversion to a problem document.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use shared::problem::Problem;
use shared::tokens::TokenError;

use crate::accounts::PasswordError;
use crate::database::DatabaseError;
use crate::problems;
use crate::tasks::Abandoned;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The client is told what to change.
    #[error("{}", .0.slug())]
    Refused(Box<Problem>),
    /// A database did not do its part.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The payment gateway did not do its part, and nothing was charged.
    #[error("the payment gateway is not available")]
    Gateway {
        /// When it may be.
        again_after: Duration,
    },
    /// The writing half of a handler crashed.
    #[error(transparent)]
    Abandoned(#[from] Abandoned),
    /// A password could not be hashed or compared.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A user token could not be signed.
    #[error("a user token could not be signed")]
    Signing(#[source] TokenError),
    /// What the database holds is not what this version writes.
    #[error("the database holds a document that cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// Somebody else's question for the same failed, and this one had waited for its answer.
    #[error(transparent)]
    Shared(Arc<ApiError>),
    /// A step answered with a word that this version does not know.
    #[error("unexpected outcome {0:?} of a step")]
    Outcome(String),
}

/// The cause of a 5xx, for the one line that the log has about the request.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) Arc<ApiError>);

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl ApiError {
    fn problem(&self) -> Problem {
        match self {
            Self::Refused(problem) => Problem::clone(problem),
            Self::Password(PasswordError::Busy)
            | Self::Database(
                DatabaseError::Busy
                | DatabaseError::Unavailable(_)
                | DatabaseError::Unchecked
                | DatabaseError::LockTimeout(_),
            ) => problems::overloaded(),
            // The edge should have refused it by name; whoever sent it is told at least that it was theirs.
            Self::Database(DatabaseError::Value(_)) => {
                problems::invalid_request("", "It holds a value that cannot be stored.")
            }
            Self::Shared(error) => error.problem(),
            Self::Gateway { again_after } => problems::gateway_unavailable(*again_after),
            _ => problems::internal(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let is_ours = problem.status().is_server_error();
        let mut response = respond(problem);
        if is_ours {
            response.extensions_mut().insert(Cause(Arc::new(self)));
        }
        response
    }
}

/// A problem document as axum's response.
pub(crate) fn respond(problem: Problem) -> Response {
    problem.into_response().map(Body::new)
}
