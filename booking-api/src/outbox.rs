//! The outbox: calls that a committed transaction has promised. Captures, voids and refunds.
//!
//! Any number of processes may work on it. Whoever takes an entry puts its time into the future (a lease), so no lock is
//! held while calling; an entry is tried until it is done. Entries of one payment are done one after the other.

mod store;
mod worker;

pub(crate) use self::worker::work;
