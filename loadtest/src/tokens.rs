//! User tokens as an outside issuer would mint them, and forgeries that must never pass.

use std::path::Path;

use anyhow::Context;
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

/// Long enough for the longest run; short enough to be worth nothing tomorrow.
const TOKEN_LIFE_SECONDS: i64 = 6 * 3_600;

/// `{"alg":"none","typ":"JWT"}`: the header of a token that wants to be believed unsigned.
const UNSIGNED_HEADER: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";

/// Signs user tokens with the key that the stack trusts.
pub(crate) struct Minter {
    key: EncodingKey,
    header: Header,
    issued_at: i64,
}

#[derive(Serialize)]
struct UserClaims<'a> {
    iss: &'static str,
    sub: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
}

impl Minter {
    /// Reads the private key of the stack's test issuer.
    pub(crate) fn open(key: &Path, kid: &str, now: jiff::Timestamp) -> anyhow::Result<Self> {
        // A second call in one process finds it installed: that is what it wants.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let pem = std::fs::read(key)
            .with_context(|| format!("cannot read the user token key {}", key.display()))?;
        let key = EncodingKey::from_ed_pem(&pem)
            .with_context(|| format!("{} is no Ed25519 key in PKCS#8 PEM", key.display()))?;
        let header = Header {
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok(Self {
            key,
            header,
            issued_at: now.as_second(),
        })
    }

    /// The token of an ordinary buyer.
    pub(crate) fn buyer(&self, visitor: &str) -> anyhow::Result<String> {
        self.mint(visitor, None)
    }

    /// The token of somebody who may create and remove concerts.
    pub(crate) fn organiser(&self, name: &str) -> anyhow::Result<String> {
        self.mint(name, Some("organiser"))
    }

    fn mint(&self, sub: &str, role: Option<&'static str>) -> anyhow::Result<String> {
        let claims = UserClaims {
            iss: "onsale",
            sub,
            iat: self.issued_at,
            exp: self.issued_at + TOKEN_LIFE_SECONDS,
            role,
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key).context("cannot sign a user token")
    }

    /// The same claims under the same key id, signed by a key that is not the room's.
    pub(crate) fn forge(&self, token: &str) -> Option<String> {
        let seen =
            jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(token.as_bytes()).ok()?;
        let header = Header {
            kid: seen.header.kid,
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, &seen.claims, &self.key).ok()
    }
}

/// The same token with one character of its signature changed.
pub(crate) fn tampered(token: &str) -> Option<String> {
    let place = token.rfind('.')? + 4;
    let other = if token.get(place..=place)? == "A" {
        "B"
    } else {
        "A"
    };
    let mut changed = token.to_owned();
    changed.replace_range(place..=place, other);
    Some(changed)
}

/// The same claims with no signature at all.
pub(crate) fn unsigned(token: &str) -> Option<String> {
    let claims = token.split('.').nth(1)?;
    Some(format!("{UNSIGNED_HEADER}.{claims}."))
}

/// `Bearer` and a token, as a header that is never printed.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    secret(&format!("Bearer {token}"))
}

/// A token as the value of a header that is never printed.
pub(crate) fn secret(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(token).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The id of the admission in its token, read without believing it.
pub(crate) fn jti(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Claims {
        jti: String,
    }
    jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token.as_bytes())
        .ok()
        .map(|claims| claims.jti)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJvbmUifQ.QUJDREVGR0g";

    #[test]
    fn a_tampered_token_differs_in_its_signature_alone() {
        let changed = tampered(TOKEN).unwrap();
        let (claims, signature) = TOKEN.rsplit_once('.').unwrap();
        let (same_claims, other_signature) = changed.rsplit_once('.').unwrap();
        assert_eq!(claims, same_claims);
        assert_ne!(signature, other_signature);
        assert_eq!(signature.len(), other_signature.len());
    }

    #[test]
    fn an_unsigned_token_keeps_its_claims() {
        let stripped = unsigned(TOKEN).unwrap();
        assert_eq!(jti(&stripped).as_deref(), Some("one"));
        assert!(stripped.ends_with('.'));
    }

    #[test]
    fn a_text_that_is_no_token_is_not_forged() {
        assert!(tampered("none").is_none());
        assert!(unsigned("none").is_none());
        assert!(jti("none").is_none());
    }
}
