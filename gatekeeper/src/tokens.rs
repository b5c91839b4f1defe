//! Waiting tokens, verified once and remembered: the cost of a token is parsing it, not its cryptography.

use std::sync::Arc;

use moka::sync::Cache;
use shared::clock;
use shared::tokens::TokenError;
use shared::tokens::waiting::{WaitingClaims, WaitingKeys};

/// Tolerated difference of clocks, as where tokens are verified anew.
const LEEWAY_SECONDS: i64 = 5;
/// A token of ours has about 400 bytes; a longer one is not even looked at.
const LONGEST_TOKEN_BYTES: usize = 1024;

/// Signs and checks waiting tokens. Remembers what was verified by the whole token, not by the
/// connection: behind a load balancer connections are shared.
#[derive(Debug)]
pub struct WaitingTokens {
    keys: WaitingKeys,
    verified: Cache<Box<str>, Arc<Verified>>,
}

#[derive(Debug)]
struct Verified {
    claims: Arc<WaitingClaims>,
    kid: String,
}

impl WaitingTokens {
    /// Remembers at most `remembered` tokens.
    pub fn new(keys: WaitingKeys, remembered: u64) -> Self {
        Self {
            keys,
            verified: Cache::new(remembered),
        }
    }

    /// Signs claims. A failure is an error of the key, which was checked when it was read.
    pub fn sign(&self, claims: &WaitingClaims) -> Result<String, TokenError> {
        self.keys.sign(claims)
    }

    /// What the token says, if it is ours and has not expired. Expiry, and whether its key is still
    /// trusted, are checked each time.
    pub fn verify(&self, token: &str) -> Result<Arc<WaitingClaims>, TokenError> {
        if token.len() > LONGEST_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        if let Some(known) = self
            .verified
            .get(token)
            .filter(|known| self.keys.knows(&known.kid))
        {
            return if known.claims.exp.saturating_add(LEEWAY_SECONDS) < clock::now_seconds() {
                Err(TokenError::Expired)
            } else {
                Ok(Arc::clone(&known.claims))
            };
        }
        let (claims, kid) = self.keys.verify(token)?;
        let claims = Arc::new(claims);
        let verified = Arc::new(Verified {
            claims: Arc::clone(&claims),
            kid,
        });
        self.verified.insert(token.into(), verified);
        Ok(claims)
    }
}
