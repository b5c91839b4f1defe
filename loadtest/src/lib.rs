//! A crowd of virtual visitors, and the proof of the invariants from outside.
//!
//! `loadtest run` makes a room and a performance of its own, sends the crowd of a scenario through them
//! over HTTP in an open model (everybody comes when they meant to, however slow the answers are), writes
//! every step into a journal, and afterwards judges I1 to I8 by that journal, by the gateway's ledger and
//! by the audit views of the database. It shares no code with the services it judges; the
//! simulation of poll intervals alone (`bench P12`) is of the gatekeeper's own rule.
//!
//! `loadtest bench` measures single figures ([`bench`]). What it measures it reaches over HTTP, too; only to fill a line
//! with a million visitors, and to know where somebody really stands in it, does it use `shared`.

mod bench;
mod books;
mod choice;
mod client;
mod clock;
mod command;
mod crowd;
mod descriptors;
mod figures;
mod forbidden;
mod invariants;
mod journal;
mod pace;
mod progress;
mod report;
mod run;
mod scenario;
mod schedule;
mod seat_map;
mod stage;
mod tokens;
mod visitor;

pub use command::{Arguments, execute};
