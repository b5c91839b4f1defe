//! Orders: what buyers have bought, or tried to. A buyer sees their own, from the primary.

mod document;
pub(crate) mod get;
pub(crate) mod list;
mod store;

pub(crate) use self::document::{OrderDocument, OrderState};
pub(crate) use self::get::find;
