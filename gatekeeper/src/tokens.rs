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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::{Duration, Instant};

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use shared::ids::Number;
    use shared::tokens::{LEEWAY_SECONDS, install_crypto_provider};

    use super::*;

    /// Keys of one test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            install_crypto_provider();
            let name = format!("onsale-waiting-{:016x}", rand::random::<u64>());
            let folder = Self(std::env::temp_dir().join(name));
            std::fs::create_dir(&folder.0).unwrap();
            folder
        }

        fn write(&self, kid: &str) {
            let secret = STANDARD.encode(rand::random::<[u8; 32]>());
            std::fs::write(self.0.join(format!("{kid}.key")), secret).unwrap();
            std::fs::write(self.0.join("current"), kid).unwrap();
        }

        fn remove(&self, kid: &str) {
            std::fs::remove_file(self.0.join(format!("{kid}.key"))).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn claims() -> WaitingClaims {
        let (visitor, room) = ("ada".parse().unwrap(), "main".parse().unwrap());
        WaitingClaims::new(visitor, room, 1, Number(2))
    }

    #[test]
    fn a_remembered_token_ends_when_it_says_so() {
        let folder = Folder::new();
        folder.write("one");
        let tokens = WaitingTokens::new(WaitingKeys::open(&folder.0).unwrap(), 10);
        let leeway = i64::try_from(LEEWAY_SECONDS).unwrap();
        let ends_in_two_seconds = WaitingClaims {
            exp: clock::now_seconds() - leeway + 2,
            ..claims()
        };
        let token = tokens.sign(&ends_in_two_seconds).unwrap();
        tokens.verify(&token).unwrap();
        let began = Instant::now();
        while tokens.verify(&token) != Err(TokenError::Expired) {
            assert!(began.elapsed() < Duration::from_secs(60), "it never ends");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[test]
    fn a_remembered_token_of_a_key_that_was_taken_away_is_worth_nothing() {
        let folder = Folder::new();
        folder.write("one");
        let keys = WaitingKeys::open(&folder.0).unwrap();
        let tokens = WaitingTokens::new(keys.clone(), 10);
        let old = tokens.sign(&claims()).unwrap();
        tokens.verify(&old).unwrap();
        folder.write("two");
        assert!(keys.look());
        assert_eq!(tokens.verify(&old).map(drop), Ok(()), "both keys are there");
        folder.remove("one");
        assert!(keys.look());
        assert_eq!(tokens.verify(&old), Err(TokenError::Invalid));
        let new = tokens.sign(&claims()).unwrap();
        assert_eq!(tokens.verify(&new).map(drop), Ok(()));
    }
}
