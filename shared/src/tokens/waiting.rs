//! Waiting tokens: signed proof of a number. They say everything needed to answer a poll, or to rebuild the line.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};

use super::hs256::Check;
use super::key_ring::{KeyRing, KeyRingError};
use super::{ISSUER, LEEWAY_SECONDS, TokenError, decode, header, validation};
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
}

/// Signs and checks waiting tokens with the secrets of a folder (`<kid>.key`, base64, at least 32 bytes).
#[derive(Clone)]
pub struct WaitingKeys {
    ring: Arc<Reloaded<Secrets, KeyRingError>>,
}

/// The secrets of the folder, and what checks the tokens that they signed.
struct Secrets {
    ring: KeyRing<Vec<u8>>,
    checks: Vec<Check>,
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

    /// Whether the token's key is still in the folder, for whoever remembers what was verified.
    pub fn knows(&self, kid: &str) -> bool {
        self.ring.current().ring.keys.contains_key(kid)
    }

    /// Signs with the current key.
    pub fn sign(&self, claims: &WaitingClaims) -> Result<String, TokenError> {
        let secrets = self.ring.current();
        let (kid, secret) = secrets.ring.signing();
        let key = EncodingKey::from_secret(secret);
        jsonwebtoken::encode(&header(Algorithm::HS256, kid), claims, &key)
            .or(Err(TokenError::Signing))
    }

    /// The claims and the `kid`, if the token is ours and has not expired.
    pub fn verify(&self, token: &str) -> Result<(WaitingClaims, String), TokenError> {
        let secrets = self.ring.current();
        for check in &secrets.checks {
            if let Some(claims) = check.claims(token) {
                return Ok((trusted(claims?)?, check.kid().to_owned()));
            }
        }
        let key = |kid: &str| {
            let secret = secrets.ring.keys.get(kid);
            secret.map(|secret| DecodingKey::from_secret(secret))
        };
        decode(
            token,
            key,
            &validation(Algorithm::HS256, &["exp", "iss", "sub"]),
        )
    }
}

/// Claims whose signature is good, if they are ours and have not expired.
fn trusted(claims: WaitingClaims) -> Result<WaitingClaims, TokenError> {
    if claims.iss != ISSUER {
        return Err(TokenError::Invalid);
    }
    let leeway = i64::try_from(LEEWAY_SECONDS).unwrap_or(0);
    if claims.exp.saturating_add(leeway) < clock::now_seconds() {
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
    let checks = ring
        .keys
        .iter()
        .map(|(kid, secret): (&String, &Vec<u8>)| Check::new(kid, secret));
    Ok(Secrets {
        checks: checks.collect(),
        ring,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_recognises_what_we_sign_and_only_that() {
        super::super::install_crypto_provider();
        let secret = [7; 32];
        let claims = WaitingClaims::new(
            "ada".parse().unwrap(),
            "main".parse().unwrap(),
            1,
            Number(2),
        );
        let sign = |kid: &str, secret: &[u8]| {
            let key = EncodingKey::from_secret(secret);
            jsonwebtoken::encode(&header(Algorithm::HS256, kid), &claims, &key).unwrap()
        };
        let check = Check::new("one", &secret);
        let token = sign("one", &secret);
        assert_eq!(check.claims(&token), Some(Ok(claims.clone())));
        assert_eq!(
            check.claims::<WaitingClaims>(&sign("two", &secret)),
            None,
            "another key's"
        );
        let refused = Some(Err(TokenError::Invalid));
        for bad in [
            sign("one", &[8; 32]),
            format!("{token}A"),
            format!("{token}.A"),
            token[..token.len() - 1].to_owned(),
            token.replacen('.', ".A", 1),
            token[..=token.rfind('.').unwrap()].to_owned(),
        ] {
            assert_eq!(check.claims::<WaitingClaims>(&bad), refused, "{bad}");
        }
    }
}
