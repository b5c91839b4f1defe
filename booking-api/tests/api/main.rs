//! The booking API over HTTP, against real stores and the simulated payment gateway.
//!
//! One binary, because each costs a link. Every test has a database of its own; Redis is shared, so ids and rooms
//! are unlike any other test's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod admission;
mod answer;
mod audit;
mod buyer;
mod catalogue;
mod changes;
mod circuit;
mod documents;
mod failed_payments;
mod gateway;
mod hold_life;
mod holds;
mod orders;
mod organisers;
mod outages;
mod payments;
mod problems;
mod process;
mod races;
mod schema;
mod seats;
mod shop;
mod stopping;
mod sweeping;
mod tables;
mod test_api;
mod unresolved;
