//! The shop: seats, orders and money, for buyers whom the waiting room has let in.
//!
//! The path tells the file: `POST /v1/performances/{id}/holds` is `holds/create.rs`, its SQL is in `holds/store.rs`. The
//! steps of a sale that must be one transaction are functions of the database, in `migrations/`.

mod accounts;
pub mod app;
mod cache;
mod concerts;
pub mod database;
mod error;
pub mod gateway;
mod hexadecimal;
mod holds;
pub mod http;
mod idempotency;
mod identity;
mod layouts;
pub mod migrate;
mod money;
mod orders;
mod outbox;
mod page;
mod payments;
mod performances;
mod problems;
pub mod seats;
pub mod serve;
pub mod settings;
mod shop;
mod tasks;

pub use self::migrate::MIGRATOR;
