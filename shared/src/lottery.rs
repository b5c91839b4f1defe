//! A lottery for those who joined before the opening, which anybody can check afterwards.
//!
//! 1. **Commitment.** Long before, the operator publishes `SHA-256(secret)` and where a public value will come from that
//!    nobody knows yet (a beacon's round, the closing price of a day), or the value itself.
//! 2. **List.** Each join adds `(number, SHA-256(room, life, visitor))` to a chain of hashes. It is closed at the opening, and its
//!    hash is published then.
//! 3. **Draw.** `seed = SHA-256(secret ‖ hash of the list ‖ size ‖ public value)`. Nobody can choose it: whoever knows the secret
//!    knows neither the value nor who will join last, and everybody else does not know the secret.
//! 4. **Places.** The place of a number is a permutation of 1 to size that is keyed by the seed ([`Permutation`]).
//! 5. **Proof.** Secret, value, list and places are published ([`proof`]). Anybody recomputes all of it offline.

mod digest;
mod list;
mod permutation;
pub mod proof;
mod seed;

pub use self::digest::{Digest, InvalidDigest};
pub use self::list::{JoinList, visitor_hash};
pub use self::permutation::Permutation;
pub use self::seed::{Secret, seed_of};
