//! Streams: what is told, when they end, what they may use.

mod cost;
mod ends;
mod limits;
mod outage;
pub(crate) mod reader;
mod told;
