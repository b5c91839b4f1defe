//! Everything Onsale needs around it on one machine: private Redis and PostgreSQL servers, keys, a
//! simulated payment gateway, and supervision of the built services.
//!
//! Used by `make demo`, `make up`, the tests and the load tests. Never part of production, and it
//! knows nothing of the services' insides: it runs their binaries and speaks HTTP to them.

pub mod gateway;
pub mod keys;
pub mod ports;
pub mod process;
pub mod runs;
pub mod servers;
pub mod service;
pub mod stack_file;
pub mod stores;
pub mod test_stores;
pub mod user_token;
pub mod whole_file;
