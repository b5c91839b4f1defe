//! Waiting tokens, verified once and remembered: the cost of a token is parsing it, not its cryptography.

use std::hash::Hasher;
use std::sync::Arc;

use quick_cache::sync::Cache;
use shared::clock;
use shared::tokens::TokenError;
use shared::tokens::waiting::{WaitingClaims, WaitingKeys};
use siphasher::sip128::{Hasher128, SipHasher24};

/// A token of ours has about 400 bytes; a longer one is not even looked at.
const LONGEST_TOKEN_BYTES: usize = 1024;

/// Signs and checks waiting tokens. Remembers what was verified by the whole token, not by the
/// connection: behind a load balancer connections are shared.
///
/// Of the token only 128 bits of SipHash-2-4 are kept, a pseudorandom function (Aumasson and Bernstein, 2012) under a key
/// that this process makes up: a token that was never signed meets a remembered one with a chance of 2⁻¹²⁸ for each that
/// is remembered. Comparing whole tokens would read 400 bytes that no cache of the processor has.
pub struct WaitingTokens {
    keys: WaitingKeys,
    verified: Cache<u128, Verified>,
    hasher: SipHasher24,
}

#[derive(Debug, Clone)]
struct Verified {
    claims: Arc<WaitingClaims>,
    /// The version of the keys when it was verified.
    by: u64,
}

impl WaitingTokens {
    /// Remembers about `remembered` tokens.
    pub fn new(keys: WaitingKeys, remembered: u64) -> Self {
        Self {
            keys,
            verified: Cache::new(usize::try_from(remembered).unwrap_or(usize::MAX)),
            hasher: SipHasher24::new_with_key(&rand::random()),
        }
    }

    /// Signs claims. A failure is an error of the key, which was checked when it was read.
    pub fn sign(&self, claims: &WaitingClaims) -> Result<String, TokenError> {
        self.keys.sign(claims)
    }

    /// What the token says, if it is ours and has not expired. Expiry, and whether the keys are still the same, are
    /// checked each time.
    pub fn verify(&self, token: &str) -> Result<Arc<WaitingClaims>, TokenError> {
        if token.len() > LONGEST_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let by = self.keys.version();
        let hash = self.hash(token);
        if let Some(known) = self.verified.get(&hash).filter(|known| known.by == by) {
            return if known.claims.has_expired(clock::now_seconds()) {
                Err(TokenError::Expired)
            } else {
                Ok(known.claims)
            };
        }
        let claims = Arc::new(self.keys.verify(token)?);
        let verified = Verified {
            claims: Arc::clone(&claims),
            by,
        };
        self.verified.insert(hash, verified);
        Ok(claims)
    }

    fn hash(&self, token: &str) -> u128 {
        let mut hasher = self.hasher;
        hasher.write(token.as_bytes());
        hasher.finish128().as_u128()
    }
}

impl std::fmt::Debug for WaitingTokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("WaitingTokens")
    }
}
