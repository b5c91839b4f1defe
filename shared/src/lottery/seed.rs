//! The secret, its commitment, and the seed that decides.

use std::fmt;
use std::str::FromStr;

use super::digest::{Digest, InvalidDigest};

/// What the operator commits to before anybody joins: 256 random bits. Never shown by Debug.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(Digest);

impl Secret {
    /// A new one, from a generator that nobody can predict.
    pub fn generate(random: &mut impl rand::CryptoRng) -> Self {
        let mut bytes = [0; 32];
        random.fill_bytes(&mut bytes);
        Self(Digest::new(bytes))
    }

    /// What is published of it before the draw.
    pub fn commitment(&self) -> Digest {
        Digest::of(&[self.0.as_bytes()])
    }

    /// Its digits, for the place where it is kept and for the proof.
    pub fn reveal(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        text.parse().map(Self)
    }
}

/// `SHA-256(secret ‖ hash of the list ‖ size ‖ public value)`: 32 bytes, 32 bytes, how many places are drawn as 8 bytes
/// big-endian, and the value as UTF-8. Whatever decides a place is in it, so nothing is left to choose afterwards.
pub fn seed_of(secret: &Secret, list: &Digest, size: u64, public_value: &str) -> Digest {
    Digest::of(&[
        secret.0.as_bytes(),
        list.as_bytes(),
        &size.to_be_bytes(),
        public_value.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_by_accident() {
        let secret = Secret::generate(&mut rand::rng());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.reveal().parse(), Ok(secret));
        assert_ne!(secret.commitment().to_string(), secret.reveal());
    }

    #[test]
    fn everything_that_goes_in_changes_the_seed() {
        let secret: Secret = Digest::of(&[b"one"]).to_string().parse().expect("digits");
        let other: Secret = Digest::of(&[b"two"]).to_string().parse().expect("digits");
        let (list, longer) = (Digest::of(&[b"list"]), Digest::of(&[b"longer"]));
        let seed = seed_of(&secret, &list, 9, "round 7");
        assert_ne!(seed, seed_of(&other, &list, 9, "round 7"));
        assert_ne!(seed, seed_of(&secret, &longer, 9, "round 7"));
        assert_ne!(seed, seed_of(&secret, &list, 10, "round 7"));
        assert_ne!(seed, seed_of(&secret, &list, 9, "round 8"));
    }
}
