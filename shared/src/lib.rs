//! What two processes of Onsale must agree on byte for byte, and the plumbing that each runs identically.
//!
//! The agreement: [`ids`], [`tokens`], the waiting room's data in Redis ([`room`]), its [`lottery`] and [`problem`] documents.
//! The plumbing: [`redis_handle`], [`telemetry`], [`admin`], [`server`], [`shutdown`], [`readiness`], [`args`].
//! Domain rules and SQL never go here.

pub mod admin;
pub mod args;
pub mod clock;
pub mod ids;
pub mod lottery;
pub mod problem;
pub mod readiness;
pub mod redis_handle;
pub mod reloaded;
pub mod room;
pub mod server;
pub mod shutdown;
pub mod telemetry;
pub mod tokens;
