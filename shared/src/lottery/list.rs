//! The list of joins, as a chain of hashes: `next = SHA-256(before ‖ number, 8 bytes, big-endian ‖ hash of the visitor)`.
//!
//! A chain rather than one hash of the whole: where it stands is 32 bytes, so that any process goes on where another has
//! stopped, and closing a list of a million costs as much as closing one of ten.

use super::digest::Digest;
use crate::ids::{RoomName, VisitorId};

/// What the list says of a visitor: nobody can be followed from one room to another by it.
pub fn visitor_hash(room: &RoomName, life: u64, visitor: &VisitorId) -> Digest {
    let head = format!("onsale visitor\n{room}\n{life}\n");
    Digest::of(&[head.as_bytes(), visitor.as_str().as_bytes()])
}

/// Where the chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinList {
    chain: Digest,
    joins: u64,
}

impl JoinList {
    /// The empty list of one life of a room.
    pub fn new(room: &RoomName, life: u64) -> Self {
        let head = format!("onsale joins\n{room}\n{life}\n");
        Self {
            chain: Digest::of(&[head.as_bytes()]),
            joins: 0,
        }
    }

    /// A list that somebody has hashed so far.
    pub fn resume(chain: Digest, joins: u64) -> Self {
        Self { chain, joins }
    }

    /// Adds the next join, in the order in which numbers were given.
    pub fn add(&mut self, number: u64, visitor: &Digest) {
        self.chain = Digest::of(&[
            self.chain.as_bytes(),
            &number.to_be_bytes(),
            visitor.as_bytes(),
        ]);
        self.joins += 1;
    }

    /// The hash of everything so far.
    pub fn hash(&self) -> Digest {
        self.chain
    }

    /// How many joins are in it.
    pub fn joins(&self) -> u64 {
        self.joins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(joins: &[(u64, &str)]) -> JoinList {
        let room: RoomName = "main".parse().expect("a name");
        let mut list = JoinList::new(&room, 1);
        for &(number, visitor) in joins {
            let visitor: VisitorId = visitor.parse().expect("an id");
            list.add(number, &visitor_hash(&room, 1, &visitor));
        }
        list
    }

    #[test]
    fn a_list_that_is_resumed_ends_as_one_that_was_not() {
        let whole = list(&[(1, "ada"), (2, "bob")]);
        let half = list(&[(1, "ada")]);
        let mut resumed = JoinList::resume(half.hash(), half.joins());
        let room: RoomName = "main".parse().expect("a name");
        let bob: VisitorId = "bob".parse().expect("an id");
        resumed.add(2, &visitor_hash(&room, 1, &bob));
        assert_eq!(resumed, whole);
    }

    #[test]
    fn who_joined_and_in_which_order_changes_the_hash() {
        let hash = list(&[(1, "ada"), (2, "bob")]).hash();
        for other in [
            list(&[(1, "bob"), (2, "ada")]),
            list(&[(2, "bob"), (1, "ada")]),
            list(&[(1, "ada")]),
            list(&[(1, "ada"), (3, "bob")]),
        ] {
            assert_ne!(hash, other.hash());
        }
    }

    #[test]
    fn a_visitor_is_somebody_else_in_every_room_and_life() {
        let ada: VisitorId = "ada".parse().expect("an id");
        let (main, side): (RoomName, RoomName) = (
            "main".parse().expect("a name"),
            "side".parse().expect("a name"),
        );
        assert_ne!(visitor_hash(&main, 1, &ada), visitor_hash(&side, 1, &ada));
        assert_ne!(visitor_hash(&main, 1, &ada), visitor_hash(&main, 2, &ada));
    }
}
