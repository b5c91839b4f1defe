//! The gatekeeper through a socket, on a real Redis.
#![expect(clippy::unwrap_used, reason = "tests")]

mod admission;
mod attacks;
mod client_limits;
mod corpus;
mod events;
mod gate;
mod hostile;
mod join;
mod limits;
mod lottery;
mod outage;
mod pace;
mod pages;
mod peers;
mod poll;
mod presence;
mod standing_still;
