//! Layouts: where the seats of a hall are. Immutable, and found by the hash of their content.

pub(crate) mod create;
mod document;
pub(crate) mod get;
mod plan;
mod store;
mod table;

pub(crate) use self::document::is_hash;
pub(crate) use self::plan::{Layout, Layouts};
