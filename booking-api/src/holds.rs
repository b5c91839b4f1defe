//! Holds: seats reserved for one buyer until a time. Steps H and X of booking.

mod answer;
pub(crate) mod create;
mod document;
pub(crate) mod extend;
pub(crate) mod get;
mod lock;
pub(crate) mod release;
mod request;
mod store;

pub(crate) use self::document::HoldDocument;
pub(crate) use self::lock::SeatLocks;
