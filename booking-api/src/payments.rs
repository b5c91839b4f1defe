//! Payments: the way of the money. Steps P, D, C and K of booking, each one transaction; calls happen between them.

pub(crate) mod create;
mod decide;
mod resolver;
mod store;

pub(crate) use self::resolver::resolve;
