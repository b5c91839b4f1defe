//! Verified tokens, remembered: an Ed25519 check takes 50 µs, and buyers send the same token again and again.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use shared::clock;
use shared::ids::RoomName;
use shared::tokens::TokenError;
use shared::tokens::admission::{AdmissionClaims, AdmissionVerifier};
use shared::tokens::user::{UserClaims, UserVerifier};

/// Tokens remembered of each kind; about 1 kB each.
const REMEMBERED: u64 = 50_000;
/// For so long a token is believed after its key was withdrawn.
const REMEMBERED_FOR: Duration = Duration::from_mins(1);

/// Checks tokens.
#[derive(Debug)]
pub(crate) struct Verifiers {
    users: UserVerifier,
    admissions: AdmissionVerifier,
    known_users: Cache<String, Arc<UserClaims>>,
    known_admissions: Cache<String, Arc<AdmissionClaims>>,
}

impl Verifiers {
    pub(crate) fn new(users: UserVerifier, admissions: AdmissionVerifier) -> Self {
        Self {
            users,
            admissions,
            known_users: cache(),
            known_admissions: cache(),
        }
    }

    /// The claims of a user token.
    pub(super) fn user(&self, token: &str) -> Result<Arc<UserClaims>, TokenError> {
        let known = self
            .known_users
            .get(token)
            .filter(|claims| lives(claims.exp));
        if let Some(claims) = known {
            return Ok(claims);
        }
        let claims = Arc::new(self.users.verify(token)?);
        self.known_users
            .insert(token.to_owned(), Arc::clone(&claims));
        Ok(claims)
    }

    /// The claims of an admission token for `room`.
    pub(super) fn admission(
        &self,
        token: &str,
        room: &RoomName,
    ) -> Result<Arc<AdmissionClaims>, TokenError> {
        let known = self.known_admissions.get(token);
        let known = known.filter(|claims| claims.aud == *room && lives(claims.exp));
        if let Some(claims) = known {
            return Ok(claims);
        }
        let claims = Arc::new(self.admissions.verify(token, room)?);
        self.known_admissions
            .insert(token.to_owned(), Arc::clone(&claims));
        Ok(claims)
    }
}

fn cache<T: Clone + Send + Sync + 'static>() -> Cache<String, T> {
    Cache::builder()
        .max_capacity(REMEMBERED)
        .time_to_live(REMEMBERED_FOR)
        .build()
}

/// Stricter than the verifier's five seconds of tolerance: those tokens are verified again.
fn lives(exp: i64) -> bool {
    exp > clock::now_seconds()
}
