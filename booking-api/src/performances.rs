//! Performances: one date of a concert, with its room, its prices and its sale.

pub(crate) mod change;
pub(crate) mod create;
mod document;
pub(crate) mod get;
mod known;
pub(crate) mod statistics;
mod store;
mod terms;
pub(crate) mod withdraw;

pub(crate) use self::document::{PerformanceDocument, PerformanceSummary, summaries_of};
pub(crate) use self::known::{Performance, Performances};
