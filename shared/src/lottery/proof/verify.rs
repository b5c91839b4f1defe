//! Recomputes everything that a proof claims, in one pass over the file.

use std::collections::HashSet;
use std::io::{self, BufRead, Lines};

use super::{Entry, FORMAT, Header, InvalidEntry};
use crate::lottery::digest::Digest;
use crate::lottery::list::JoinList;
use crate::lottery::permutation::Permutation;
use crate::lottery::seed::{Secret, seed_of};

/// Most differences that are told one by one.
const TOLD_MOST: usize = 20;

/// What a proof claims, and what comes out instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// The secret is not the one that was committed to.
    #[error("the secret hashes to {found}, the commitment is {claimed}")]
    Commitment {
        /// In the header.
        claimed: Digest,
        /// Recomputed.
        found: Digest,
    },
    /// Somebody was added, left out, changed or moved.
    #[error("the joins hash to {found}, the hash of the list is {claimed}")]
    List {
        /// In the header.
        claimed: Digest,
        /// Recomputed.
        found: Digest,
    },
    /// There are more or fewer joins.
    #[error("there are {found} joins, {claimed} are claimed")]
    Joins {
        /// In the header.
        claimed: u64,
        /// Counted.
        found: u64,
    },
    /// The seed does not follow from secret, list and public value.
    #[error("secret, list and public value give the seed {found}, not {claimed}")]
    Seed {
        /// In the header.
        claimed: Digest,
        /// Recomputed.
        found: Digest,
    },
    /// A number was drawn another place.
    #[error("number {number} was drawn place {found}, not {claimed}")]
    Place {
        /// The number.
        number: u64,
        /// In its line.
        claimed: u64,
        /// Recomputed.
        found: u64,
    },
    /// A join is not behind the one in front of it: whoever could order them as they like could choose the seed. Only a list
    /// that was lost and made anew is in another order.
    #[error("number {number} stands behind number {after}")]
    Order {
        /// The number.
        number: u64,
        /// The one in front.
        after: u64,
    },
    /// Somebody would have two chances.
    #[error("number {number} is listed twice")]
    Twice {
        /// The number.
        number: u64,
    },
    /// A number that took no part.
    #[error("number {number} is listed, although {size} places were drawn")]
    Beyond {
        /// The number.
        number: u64,
        /// How many places were drawn.
        size: u64,
    },
}

/// What came out.
#[derive(Debug)]
pub struct Findings {
    /// What the proof says of itself.
    pub header: Header,
    /// How many joins were read and recomputed.
    pub joins: u64,
    /// The first differences.
    pub differences: Vec<Difference>,
    /// How many there are in all; the proof holds when there are none.
    pub differences_total: u64,
}

/// What is no proof at all.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// It ends too soon.
    #[error("the file is empty")]
    Empty,
    /// Its first line.
    #[error("the first line is not the header of a proof")]
    Header(#[source] serde_json::Error),
    /// Another version of it.
    #[error("the format is {0:?}; this program checks {FORMAT:?}")]
    Format(String),
    /// One of its lines.
    #[error("line {0} cannot be read")]
    Line(u64, #[source] InvalidEntry),
    /// More places than this version numbers.
    #[error("{0} places are more than can be drawn")]
    Size(u64),
}

/// Checks a proof from its first line to its last, and hands each join to `look`.
pub fn verify(
    proof: impl BufRead,
    mut look: impl FnMut(&Header, &Entry),
) -> Result<Findings, Unreadable> {
    let mut lines = proof.lines();
    let header = read_header(&mut lines)?;
    let secret = header.secret.to_string();
    let secret: Secret = secret.parse().expect("a digest is as long as a secret");
    // With the list as claimed: whether it is the list is seen at its end.
    let seed = seed_of(&secret, &header.list, header.size, &header.public_value);
    let permutation = Permutation::new(&seed, header.size).ok_or(Unreadable::Size(header.size))?;
    let mut check = Check {
        list: JoinList::new(&header.room, header.life),
        permutation,
        listed: HashSet::new(),
        last: 0,
        is_in_order: !header.list_was_lost,
        told: Told::default(),
    };
    check
        .told
        .unless_equal(header.commitment, secret.commitment(), |claimed, found| {
            Difference::Commitment { claimed, found }
        });
    check
        .told
        .unless_equal(header.seed, seed, |claimed, found| Difference::Seed {
            claimed,
            found,
        });
    check.joins(lines, |entry| look(&header, entry))?;
    let Check { list, mut told, .. } = check;
    told.unless_equal(header.joins, list.joins(), |claimed, found| {
        Difference::Joins { claimed, found }
    });
    told.unless_equal(header.list, list.hash(), |claimed, found| {
        Difference::List { claimed, found }
    });
    Ok(Findings {
        header,
        joins: list.joins(),
        differences: told.first,
        differences_total: told.total,
    })
}

fn read_header<B: BufRead>(lines: &mut Lines<B>) -> Result<Header, Unreadable> {
    let first = lines.next().ok_or(Unreadable::Empty)??;
    let header: Header = serde_json::from_str(&first).map_err(Unreadable::Header)?;
    if header.format != FORMAT {
        return Err(Unreadable::Format(header.format));
    }
    Ok(header)
}

struct Check {
    list: JoinList,
    permutation: Permutation,
    listed: HashSet<u64>,
    last: u64,
    is_in_order: bool,
    told: Told,
}

impl Check {
    fn joins<B: BufRead>(
        &mut self,
        lines: Lines<B>,
        mut look: impl FnMut(&Entry),
    ) -> Result<(), Unreadable> {
        for (at, line) in (2..).zip(lines) {
            let entry: Entry = line?.parse().map_err(|error| Unreadable::Line(at, error))?;
            self.join(&entry);
            look(&entry);
        }
        Ok(())
    }

    fn join(&mut self, entry: &Entry) {
        let (number, size) = (entry.number, self.permutation.size());
        if !self.listed.insert(number) {
            self.told.tell(Difference::Twice { number });
        } else if self.is_in_order && number < self.last {
            self.told.tell(Difference::Order {
                number,
                after: self.last,
            });
        }
        self.last = number;
        if number > size {
            self.told.tell(Difference::Beyond { number, size });
        }
        let found = self.permutation.place_of(number);
        self.told
            .unless_equal(entry.place, found, |claimed, found| Difference::Place {
                number,
                claimed,
                found,
            });
        self.list.add(number, &entry.visitor);
    }
}

#[derive(Default)]
struct Told {
    first: Vec<Difference>,
    total: u64,
}

impl Told {
    fn tell(&mut self, difference: Difference) {
        self.total += 1;
        if self.first.len() < TOLD_MOST {
            self.first.push(difference);
        }
    }

    fn unless_equal<T: PartialEq>(
        &mut self,
        claimed: T,
        found: T,
        difference: impl FnOnce(T, T) -> Difference,
    ) {
        if claimed != found {
            self.tell(difference(claimed, found));
        }
    }
}

#[cfg(test)]
mod tests;
