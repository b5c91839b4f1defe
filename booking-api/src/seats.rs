//! Seats: their names, and what is shown of their state.

mod best;
mod gauges;
mod name;
pub(crate) mod show;
mod snapshot;
mod store;

pub(crate) use self::best::neighbours;
pub(crate) use self::gauges::publish;
pub use self::name::{InvalidSeatName, SeatName};
pub(crate) use self::snapshot::{Snapshot, Snapshots};
