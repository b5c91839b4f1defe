//! The pace: lets visitors in at the set rate, and the commands by which operators set it.
//!
//! The rate holds however many admitters run: the script in Redis that promotes also owns the token
//! bucket, so there is no leader and nothing to elect. Every other command talks to Redis directly and
//! works whether a daemon runs or not.

pub mod cli;
pub mod commands;
pub mod output;
pub mod room_status;
pub mod throttle;
