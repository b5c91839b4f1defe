//! The admitter as operators use it: the binary, on a real Redis.
#![expect(clippy::unwrap_used, reason = "tests")]

mod commands;
mod daemon;
mod doctor;
mod lottery;
mod operator;
