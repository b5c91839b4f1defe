//! A folder of Ed25519 keys (PKCS#8 PEM) that signs, and whose public halves can be published.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Serialize;
use serde_json::{Value, json};

use super::key_ring::{KeyRing, KeyRingError};
use super::{TokenError, header};
use crate::reloaded::Reloaded;
use crate::shutdown::Shutdown;

/// One private key and the `x` of its public half.
struct Ed25519Key {
    private: EncodingKey,
    public_x: String,
}

impl PartialEq for Ed25519Key {
    fn eq(&self, other: &Self) -> bool {
        self.public_x == other.public_x
    }
}

/// Signs with the current key of a folder.
pub(super) struct Signer {
    ring: Arc<Reloaded<KeyRing<Ed25519Key>, KeyRingError>>,
}

impl Signer {
    pub(super) fn open(folder: &Path) -> Result<Self, KeyRingError> {
        Reloaded::open(folder, read).map(|ring| Self { ring })
    }

    pub(super) fn keep_fresh(&self, shutdown: &Shutdown) {
        self.ring.keep_fresh(shutdown);
    }

    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, TokenError> {
        let ring = self.ring.current();
        let (kid, key) = ring.signing();
        jsonwebtoken::encode(&header(Algorithm::EdDSA, kid), claims, &key.private)
            .or(Err(TokenError::Signing))
    }

    pub(super) fn public_key(&self, kid: &str) -> Option<DecodingKey> {
        let ring = self.ring.current();
        ring.keys
            .get(kid)
            .and_then(|key| DecodingKey::from_ed_components(&key.public_x).ok())
    }

    /// The public halves as a JSON Web Key Set (RFC 7517, RFC 8037).
    pub(super) fn jwks(&self) -> Value {
        let ring = self.ring.current();
        let keys = ring.keys.iter().map(|(kid, key)| {
            json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": key.public_x})
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }
}

fn read(folder: &Path) -> Result<KeyRing<Ed25519Key>, KeyRingError> {
    KeyRing::read(folder, "pem", "an Ed25519 private key as PKCS#8 PEM", parse)
}

fn parse(pem: &[u8]) -> Option<Ed25519Key> {
    let private = EncodingKey::from_ed_pem(pem).ok()?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private.as_bytes()).ok()?;
    let public_x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    Some(Ed25519Key { private, public_x })
}
