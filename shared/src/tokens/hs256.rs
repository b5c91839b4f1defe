//! A short way to check HS256 tokens that we signed ourselves.
//!
//! The header of such a token is always the same text for a key. A token that begins with that very text names its key and
//! its algorithm by it, so there is nothing to parse before the signature is checked, and only the claims after it. Every
//! other token goes the long way.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::de::DeserializeOwned;

use super::{TokenError, header};

/// One key, with the beginning of all tokens that it signs.
pub(super) struct Check {
    kid: String,
    /// The header as it stands in tokens, with the dot behind it.
    beginning: String,
    key: hmac::Key,
}

impl Check {
    pub(super) fn new(kid: &str, secret: &[u8]) -> Self {
        let header = serde_json::to_vec(&header(Algorithm::HS256, kid));
        let header = header.expect("a header has only string keys");
        Self {
            kid: kid.to_owned(),
            beginning: URL_SAFE_NO_PAD.encode(header) + ".",
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// The name of the key.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The claims of a token that begins as all of this key do; `None` for another token. Whether it has expired, and
    /// who issued it, is left to the caller.
    pub(super) fn claims<T: DeserializeOwned>(&self, token: &str) -> Option<Result<T, TokenError>> {
        let rest = token.strip_prefix(&self.beginning)?;
        Some(self.signed(token, rest).ok_or(TokenError::Invalid))
    }

    fn signed<T: DeserializeOwned>(&self, token: &str, rest: &str) -> Option<T> {
        let (payload, signature) = rest.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let message = &token[..self.beginning.len() + payload.len()];
        hmac::verify(&self.key, message.as_bytes(), &signature).ok()?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}
