//! Admission tokens: signed proof of being admitted. The booking API demands one; the token is the
//! authority until it expires.

use std::path::Path;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ed25519::Signer;
use super::jwks::JwksFile;
use super::key_ring::KeyRingError;
use super::{TokenError, decode, validation};
use crate::ids::{Jti, Number, RoomName, VisitorId};
use crate::shutdown::Shutdown;

/// What an admission token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmissionClaims {
    /// Always [`super::ISSUER`].
    pub iss: String,
    /// The visitor.
    pub sub: VisitorId,
    /// The room.
    pub aud: RoomName,
    /// The visitor's number.
    pub num: Number,
    /// The admission; all of its claims carry the same one.
    pub jti: Jti,
    /// When the visitor was let in, seconds since 1970.
    pub iat: i64,
    /// Not valid before; the same instant.
    pub nbf: i64,
    /// When it ends, seconds since 1970.
    pub exp: i64,
}

/// Signs admission tokens with the current key of a folder (`<kid>.pem`).
pub struct AdmissionSigner {
    signer: Signer,
}

impl AdmissionSigner {
    /// Reads the folder.
    pub fn open(folder: &Path) -> Result<Self, KeyRingError> {
        Signer::open(folder).map(|signer| Self { signer })
    }

    /// Reads it anew whenever it changes.
    pub fn keep_fresh(&self, shutdown: &Shutdown) {
        self.signer.keep_fresh(shutdown);
    }

    /// Signs with the current key.
    pub fn sign(&self, claims: &AdmissionClaims) -> Result<String, TokenError> {
        self.signer.sign(claims)
    }

    /// As [`AdmissionVerifier::verify`], with the public halves of the same keys.
    pub fn verify(&self, token: &str, room: &RoomName) -> Result<AdmissionClaims, TokenError> {
        verify(token, room, |kid| self.signer.public_key(kid))
    }

    /// The public keys, as `/.well-known/jwks.json` shows them.
    pub fn jwks(&self) -> Value {
        self.signer.jwks()
    }
}

impl std::fmt::Debug for AdmissionSigner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("AdmissionSigner")
    }
}

/// Checks admission tokens.
#[derive(Debug, Clone)]
pub struct AdmissionVerifier {
    keys: JwksFile,
}

impl AdmissionVerifier {
    /// Checks with the keys of `keys`.
    pub fn new(keys: JwksFile) -> Self {
        Self { keys }
    }

    /// The claims, if the token is ours, for `room`, and has not expired. Whether the admission has
    /// ended early only the active set knows.
    pub fn verify(&self, token: &str, room: &RoomName) -> Result<AdmissionClaims, TokenError> {
        verify(token, room, |kid| self.keys.key(kid))
    }
}

fn verify(
    token: &str,
    room: &RoomName,
    key: impl FnOnce(&str) -> Option<DecodingKey>,
) -> Result<AdmissionClaims, TokenError> {
    let mut rules = validation(Algorithm::EdDSA, &["exp", "nbf", "iss", "sub", "aud"]);
    rules.set_audience(&[room.as_str()]);
    decode(token, key, &rules).map(|(claims, _kid)| claims)
}
