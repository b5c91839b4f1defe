//! A permutation of 1 to `size` that a seed decides, and that anybody can recompute.
//!
//! A balanced Feistel network over pairs of digits to the base `b`, the smallest with `b² ≥ size` (at least [`BASE_LEAST`]),
//! walked until it falls below `size`: Black and Rogaway, Ciphers with Arbitrary Finite Domains, CT-RSA 2002.
//!
//! ```text
//! x = number − 1;  (left, right) = (x div b, x mod b)
//! for round in 0 … 9:  (left, right) = (right, (left + F(round, right)) mod b)
//! F(round, digit) = the first 8 bytes, big-endian, of SHA-256("onsale lottery" ‖ seed ‖ round, 1 byte ‖ digit, 4 bytes), mod b
//! x = left · b + right;  again while x ≥ size;  place = x + 1
//! ```
//!
//! Ten rounds, as in NIST's FF1 (SP 800-38G): four already look random to whoever sees few places, ten keep looking so to
//! whoever sees all of them. Only `b` digits go into F, a thousand for a million places, so F is a table.

use super::digest::Digest;

const ROUNDS: u8 = 10;
/// Below it there are too few different networks for the permutations of a handful to be equally likely.
const BASE_LEAST: u64 = 64;
/// More places are not numbered: a hundred thousand million. The table then has 12 MB.
const SIZE_MOST: u64 = 100_000_000_000;

/// The places of one draw. Cloning copies the tables: share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permutation {
    seed: Digest,
    size: u64,
    base: u64,
    /// F: one row of `base` values a round.
    rounds: Vec<u32>,
}

impl Permutation {
    /// The permutation of 1 to `size` that `seed` decides; `None` when there are too many places.
    pub fn new(seed: &Digest, size: u64) -> Option<Self> {
        if size > SIZE_MOST {
            return None;
        }
        let root = size.isqrt();
        let exact = root + u64::from(root * root < size);
        let base = exact.max(BASE_LEAST);
        let rows = (0..ROUNDS).flat_map(|round| (0..base).map(move |digit| (round, digit)));
        let rounds = rows.map(|(round, digit)| draw(seed, round, digit, base));
        Some(Self {
            seed: *seed,
            size,
            base,
            rounds: rounds.collect(),
        })
    }

    /// What decides.
    pub fn seed(&self) -> &Digest {
        &self.seed
    }

    /// How many places were drawn.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The place of a number. Numbers beyond the size came after the draw: their place is their number.
    pub fn place_of(&self, number: u64) -> u64 {
        self.walk(number, |x| self.forwards(x))
    }

    /// The number that has a place.
    pub fn number_of(&self, place: u64) -> u64 {
        self.walk(place, |x| self.backwards(x))
    }

    /// Steps from what is in range to what is in range again. It ends: the network is a permutation, so that the walk comes
    /// back to where it began at the latest.
    fn walk(&self, from: u64, step: impl Fn(u64) -> u64) -> u64 {
        if from == 0 || from > self.size {
            return from;
        }
        let mut x = step(from - 1);
        while x >= self.size {
            x = step(x);
        }
        x + 1
    }

    fn forwards(&self, x: u64) -> u64 {
        let (mut left, mut right) = (x / self.base, x % self.base);
        for round in 0..ROUNDS {
            (left, right) = (right, (left + self.f(round, right)) % self.base);
        }
        left * self.base + right
    }

    fn backwards(&self, x: u64) -> u64 {
        let (mut left, mut right) = (x / self.base, x % self.base);
        for round in (0..ROUNDS).rev() {
            (left, right) = ((right + self.base - self.f(round, left)) % self.base, left);
        }
        left * self.base + right
    }

    fn f(&self, round: u8, digit: u64) -> u64 {
        let index = u64::from(round) * self.base + digit;
        let index = usize::try_from(index).expect("the table was made with this many entries");
        u64::from(self.rounds[index])
    }
}

fn draw(seed: &Digest, round: u8, digit: u64, base: u64) -> u32 {
    let digit = u32::try_from(digit).expect("the base of the largest size fits");
    let hash = Digest::of(&[
        b"onsale lottery",
        seed.as_bytes(),
        &[round],
        &digit.to_be_bytes(),
    ]);
    let (first, _) = hash
        .as_bytes()
        .split_first_chunk::<8>()
        .expect("a hash has 32 bytes");
    u32::try_from(u64::from_be_bytes(*first) % base).expect("less than the base")
}

#[cfg(test)]
mod tests;
