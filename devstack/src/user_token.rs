//! User tokens as an outside issuer would sign them, for whoever has the private key of the stack.

use std::path::Path;

use jiff::{Timestamp, ToSpan};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use crate::keys::{KeyError, Keys};

/// How long a token is good for: a session of trying things out.
const LIFE_HOURS: i64 = 12;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The keys are not there.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The key cannot be read.
    #[error("the key of the user tokens, {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The key cannot sign.
    #[error("a user token could not be signed: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

/// A token for `subject`, with a role (`organiser`, `operator`) or without, signed by the key in the
/// key folder `keys`.
pub fn mint(keys: &Path, subject: &str, role: Option<&str>) -> Result<String, MintError> {
    let (kid, path) = Keys::in_folder(keys).user_signing_key()?;
    let pem = std::fs::read(&path).map_err(|source| MintError::File {
        path: path.display().to_string(),
        source,
    })?;
    let header = Header {
        kid: Some(kid),
        ..Header::new(Algorithm::EdDSA)
    };
    let now = Timestamp::now();
    let mut claims = json!({
        "iss": "onsale",
        "sub": subject,
        "iat": now.as_second(),
        "exp": (now + LIFE_HOURS.hours()).as_second(),
    });
    if let Some(role) = role {
        claims["role"] = json!(role);
    }
    // Installed already is what it wants to be.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    Ok(jsonwebtoken::encode(
        &header,
        &claims,
        &EncodingKey::from_ed_pem(&pem)?,
    )?)
}
