//! Small pieces of HTTP that every route uses.

pub mod body;
pub mod client_address;
pub mod cookies;
pub mod credentials;
pub mod query;
pub mod reply;
pub mod reply_body;
