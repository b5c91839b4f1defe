//! Streams: what is told, when they end, what they may use.

mod cost;
mod ends;
mod limits;
mod outage;
mod presence;
pub(crate) mod reader;
mod told;
