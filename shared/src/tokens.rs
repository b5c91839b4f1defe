//! The three kinds of token. Each pins one algorithm, one issuer and one set of keys, chosen by `kid`.
//!
//! | token | algorithm | signed by | checked by |
//! |---|---|---|---|
//! | [`waiting`] | HS256 | gatekeeper | gatekeeper |
//! | [`admission`] | EdDSA (Ed25519) | gatekeeper | booking-api, other shops |
//! | [`user`] | EdDSA (Ed25519) | booking-api or an outside issuer | gatekeeper, booking-api |

pub mod admission;
mod ed25519;
mod hs256;
pub mod jwks;
pub mod key_ring;
pub mod user;
pub mod waiting;

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::de::DeserializeOwned;

/// The `iss` of all tokens that Onsale itself signs.
pub const ISSUER: &str = "onsale";

/// Difference of two hosts' clocks that is tolerated, in seconds.
pub const LEEWAY_SECONDS: u64 = 5;

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours: malformed, altered, another algorithm, key, issuer or audience.
    #[error("the token is not valid")]
    Invalid,
    /// Was good, but its time has passed.
    #[error("the token has expired")]
    Expired,
    /// The signing key does not work (only when signing).
    #[error("the token cannot be signed")]
    Signing,
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::ExpiredSignature => Self::Expired,
            _ => Self::Invalid,
        }
    }
}

/// Makes aws-lc-rs the cryptography of JSON web tokens and of TLS; both panic without a choice. May be called again.
pub fn install_crypto_provider() {
    // An error only says that it has been installed before.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

fn validation(algorithm: Algorithm, required: &[&str]) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(required);
    validation
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    Header {
        kid: Some(kid.to_owned()),
        ..Header::new(algorithm)
    }
}

/// The claims of `token` and its `kid`, checked by the key that the `kid` names.
fn decode<T: DeserializeOwned>(
    token: &str,
    key: impl FnOnce(&str) -> Option<DecodingKey>,
    validation: &Validation,
) -> Result<(T, String), TokenError> {
    let kid = jsonwebtoken::decode_header(token)?
        .kid
        .ok_or(TokenError::Invalid)?;
    let key = key(&kid).ok_or(TokenError::Invalid)?;
    Ok((jsonwebtoken::decode(token, &key, validation)?.claims, kid))
}

/// The first 16 bytes of the SHA-256 of something that must not be kept itself, such as a key by which
/// somebody is known again.
pub fn fingerprint(secret: &[u8]) -> [u8; 16] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret);
    let mut short = [0; 16];
    short.copy_from_slice(&digest.as_ref()[..16]);
    short
}
