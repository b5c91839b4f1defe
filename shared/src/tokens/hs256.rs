//! HS256 tokens that only we sign and only we check: JSON Web Signatures (RFC 7515, RFC 7518) with one header a key.
//!
//! The header of such a token is always the same text. A token that begins with that very text names its key and its
//! algorithm by it, so there is nothing to parse before the signature is checked, and only the claims after it; a token
//! that begins otherwise is none of ours. Gatekeepers check and sign by the ten thousand a second, and of a general check
//! most of the time goes into parsing.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{TokenError, header};

/// One key, with the beginning of all tokens that it signs.
pub(super) struct Key {
    /// The header as it stands in tokens, with the dot behind it.
    beginning: String,
    hmac: hmac::Key,
}

impl Key {
    pub(super) fn new(kid: &str, secret: &[u8]) -> Self {
        let header = serde_json::to_vec(&header(Algorithm::HS256, kid));
        let header = header.expect("a header has only string keys");
        Self {
            beginning: URL_SAFE_NO_PAD.encode(header) + ".",
            hmac: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// A token that says `claims`.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, TokenError> {
        let payload = serde_json::to_vec(claims).or(Err(TokenError::Signing))?;
        let mut token = self.beginning.clone();
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = hmac::sign(&self.hmac, token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
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
        hmac::verify(&self.hmac, message.as_bytes(), &signature).ok()?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}
