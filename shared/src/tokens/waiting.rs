//! Waiting tokens: signed proof of a number. They say everything needed to answer a poll, or to rebuild the line.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::hs256::Key;
use super::key_ring::{KeyRing, KeyRingError};
use super::{ISSUER, LEEWAY_SECONDS, TokenError};
use crate::clock;
use crate::ids::{Number, RoomName, VisitorId};
use crate::reloaded::Reloaded;
use crate::shutdown::Shutdown;

/// How long a waiting token lives, in seconds: longer than any line that we would let anybody stand in.
pub const LIFETIME_SECONDS: i64 = 24 * 3600;

/// What a waiting token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingClaims {
    /// Always [`ISSUER`].
    pub iss: String,
    /// The visitor.
    pub sub: VisitorId,
    /// The room.
    pub room: RoomName,
    /// The life of the room: changed only by removing and creating it, which voids all tokens.
    pub life: u64,
    /// The number that was given out.
    pub num: Number,
    /// When it was signed, seconds since 1970.
    pub iat: i64,
    /// When it ends, seconds since 1970.
    pub exp: i64,
}

impl WaitingClaims {
    /// Claims that begin now.
    pub fn new(visitor: VisitorId, room: RoomName, life: u64, number: Number) -> Self {
        let iat = clock::now_seconds();
        let exp = iat + LIFETIME_SECONDS;
        Self {
            iss: ISSUER.to_owned(),
            sub: visitor,
            room,
            life,
            num: number,
            iat,
            exp,
        }
    }

    /// Whether the token is in the last quarter of its life, in which a poll renews it.
    pub fn is_due_for_renewal(&self, now_seconds: i64) -> bool {
        self.exp - now_seconds < LIFETIME_SECONDS / 4
    }

    /// Whether the token is past its end, clocks of hosts being apart as far as they may be.
    pub fn has_expired(&self, now_seconds: i64) -> bool {
        self.exp.saturating_add_unsigned(LEEWAY_SECONDS) < now_seconds
    }
}

/// Signs and checks waiting tokens with the secrets of a folder (`<kid>.key`, base64, at least 32 bytes).
#[derive(Clone)]
pub struct WaitingKeys {
    ring: Arc<Reloaded<Secrets, KeyRingError>>,
}

/// The secrets of the folder, and what signs and checks with them.
struct Secrets {
    ring: KeyRing<Vec<u8>>,
    signing: Key,
    all: Vec<Key>,
}

impl PartialEq for Secrets {
    fn eq(&self, other: &Self) -> bool {
        self.ring == other.ring
    }
}

impl WaitingKeys {
    const SHORTEST_SECRET_BYTES: usize = 32;

    /// Reads the folder.
    pub fn open(folder: &Path) -> Result<Self, KeyRingError> {
        Reloaded::open(folder, read).map(|ring| Self { ring })
    }

    /// Reads it anew whenever it changes.
    pub fn keep_fresh(&self, shutdown: &Shutdown) {
        self.ring.keep_fresh(shutdown);
    }

    /// Reads the folder at once. Returns whether something changed.
    pub fn look(&self) -> bool {
        self.ring.look()
    }

    /// Changes after each change of the folder. What was verified, and by which version before it, may be remembered for
    /// as long as it is the same.
    pub fn version(&self) -> u64 {
        self.ring.version()
    }

    /// Signs with the current key.
    pub fn sign(&self, claims: &WaitingClaims) -> Result<String, TokenError> {
        self.ring.current().signing.sign(claims)
    }

    /// The claims, if the token is ours and has not expired.
    pub fn verify(&self, token: &str) -> Result<WaitingClaims, TokenError> {
        let secrets = self.ring.current();
        let claims = secrets.all.iter().find_map(|key| key.claims(token));
        trusted(claims.unwrap_or(Err(TokenError::Invalid))?)
    }
}

/// Claims whose signature is good, if they are ours and have not expired.
fn trusted(claims: WaitingClaims) -> Result<WaitingClaims, TokenError> {
    if claims.iss != ISSUER {
        return Err(TokenError::Invalid);
    }
    if claims.has_expired(clock::now_seconds()) {
        return Err(TokenError::Expired);
    }
    Ok(claims)
}

impl std::fmt::Debug for WaitingKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("WaitingKeys")
    }
}

fn read(folder: &Path) -> Result<Secrets, KeyRingError> {
    let ring = KeyRing::read(
        folder,
        "key",
        "at least 32 random bytes in base64",
        |content| {
            let text = std::str::from_utf8(content).ok()?;
            let secret = STANDARD.decode(text.trim()).ok()?;
            (secret.len() >= WaitingKeys::SHORTEST_SECRET_BYTES).then_some(secret)
        },
    )?;
    let (kid, secret) = ring.signing();
    let keys = ring.keys.iter();
    Ok(Secrets {
        signing: Key::new(kid, secret),
        all: keys.map(|(kid, secret)| Key::new(kid, secret)).collect(),
        ring,
    })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;

    use super::super::header;
    use super::*;

    #[test]
    fn tokens_are_what_a_general_library_makes_and_only_signed_ones_are_believed() {
        super::super::install_crypto_provider();
        let claims = WaitingClaims::new(
            "ada".parse().unwrap(),
            "main".parse().unwrap(),
            1,
            Number(2),
        );
        let by_library = |kid: &str, secret: &[u8]| {
            let key = jsonwebtoken::EncodingKey::from_secret(secret);
            jsonwebtoken::encode(&header(Algorithm::HS256, kid), &claims, &key).unwrap()
        };
        let key = Key::new("one", &[7; 32]);
        let token = key.sign(&claims).unwrap();
        assert_eq!(token, by_library("one", &[7; 32]));
        assert_eq!(key.claims(&token), Some(Ok(claims.clone())));
        assert_eq!(
            key.claims::<WaitingClaims>(&by_library("two", &[7; 32])),
            None,
            "another key's"
        );
        let refused = Some(Err(TokenError::Invalid));
        for bad in [
            by_library("one", &[8; 32]),
            format!("{token}A"),
            format!("{token}.A"),
            token[..token.len() - 1].to_owned(),
            token.replacen('.', ".A", 1),
            token[..=token.rfind('.').unwrap()].to_owned(),
        ] {
            assert_eq!(key.claims::<WaitingClaims>(&bad), refused, "{bad}");
        }
    }
}
