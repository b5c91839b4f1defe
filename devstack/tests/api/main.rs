//! Tests of devstack from outside: real servers, real processes, real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod folder;
mod gateway;
mod journey;
mod keys;
mod postgres;
mod processes;
mod programs;
mod redis;
mod site;
mod site_journey;
mod with_stores;
