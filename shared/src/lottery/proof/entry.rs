//! One line of a proof.

use std::fmt;
use std::str::FromStr;

use crate::lottery::digest::Digest;

/// One join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The number given.
    pub number: u64,
    /// The place drawn.
    pub place: u64,
    /// The hash of who joined.
    pub visitor: Digest,
}

/// A line that is not `<number> <place> <hash>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a join is <number> <place> <hash of the visitor>")]
pub struct InvalidEntry;

impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            place,
            visitor,
        } = self;
        write!(formatter, "{number} {place} {visitor}")
    }
}

impl FromStr for Entry {
    type Err = InvalidEntry;

    fn from_str(line: &str) -> Result<Self, InvalidEntry> {
        let mut words = line.split(' ');
        let mut next = || words.next().ok_or(InvalidEntry);
        let entry = Self {
            number: next()?.parse().or(Err(InvalidEntry))?,
            place: next()?.parse().or(Err(InvalidEntry))?,
            visitor: next()?.parse().or(Err(InvalidEntry))?,
        };
        if words.next().is_some() {
            return Err(InvalidEntry);
        }
        Ok(entry)
    }
}
