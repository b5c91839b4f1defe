//! How requests come in and answers go out: the router, what stands around it, and how input is read.

mod body;
mod observe;
mod openapi;
mod path;
mod query;
mod router;
mod shed;

pub(crate) use self::body::{JsonBody, LargeBody, NoBody, ValidBody, collect, is_of_kind};
pub(crate) use self::path::Id;
pub(crate) use self::query::Query;
pub use self::router::router;
pub(crate) use self::shed::TurnedAway;
