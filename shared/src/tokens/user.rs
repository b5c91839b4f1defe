//! User tokens: who somebody is. Signed by booking-api's accounts, or by an outside issuer.

use std::path::Path;

use jsonwebtoken::{Algorithm, Validation};
use serde::{Deserialize, Serialize};

use super::ed25519::Signer;
use super::jwks::JwksFile;
use super::key_ring::KeyRingError;
use super::{TokenError, decode, validation};
use crate::ids::VisitorId;
use crate::shutdown::Shutdown;

/// What somebody may do besides buying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Creates concerts and opens sales.
    Organiser,
    /// Runs the system.
    Operator,
}

/// What a user token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserClaims {
    /// Who signed it: [`super::ISSUER`], or an outside issuer.
    pub iss: String,
    /// The user, who as a visitor has the same id.
    pub sub: VisitorId,
    /// The session, which can be revoked; a token without one has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What the user may do besides buying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// When it was signed, seconds since 1970.
    pub iat: i64,
    /// When it ends, seconds since 1970.
    pub exp: i64,
}

/// Signs user tokens with the current key of a folder (`<kid>.pem`).
pub struct UserSigner {
    signer: Signer,
}

impl UserSigner {
    /// Reads the folder.
    pub fn open(folder: &Path) -> Result<Self, KeyRingError> {
        Signer::open(folder).map(|signer| Self { signer })
    }

    /// Reads it anew whenever it changes.
    pub fn keep_fresh(&self, shutdown: &Shutdown) {
        self.signer.keep_fresh(shutdown);
    }

    /// Signs with the current key.
    pub fn sign(&self, claims: &UserClaims) -> Result<String, TokenError> {
        self.signer.sign(claims)
    }
}

impl std::fmt::Debug for UserSigner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("UserSigner")
    }
}

/// Checks user tokens.
#[derive(Debug, Clone)]
pub struct UserVerifier {
    keys: JwksFile,
    rules: Validation,
}

impl UserVerifier {
    /// Believes what `issuer` signed with one of `keys`.
    pub fn new(keys: JwksFile, issuer: impl Into<String>) -> Self {
        let mut rules = validation(Algorithm::EdDSA, &["exp", "iss", "sub"]);
        rules.set_issuer(&[issuer.into()]);
        Self { keys, rules }
    }

    /// Believes only what was signed for `audience`; without this, only what names no audience at all.
    #[must_use]
    pub fn for_audience(mut self, audience: impl Into<String>) -> Self {
        self.rules.set_audience(&[audience.into()]);
        self.rules.required_spec_claims.insert("aud".to_owned());
        self
    }

    /// The claims, if the token is the issuer's and has not expired. Whether the session has been
    /// revoked only booking-api knows.
    pub fn verify(&self, token: &str) -> Result<UserClaims, TokenError> {
        decode(token, |kid| self.keys.key(kid), &self.rules).map(|(claims, _kid)| claims)
    }
}
