//! The scripts of a room.

mod after_a_loss;
mod changes;
mod headers;
mod life;
mod look;
mod lottery;
mod memory;
mod model;
mod pace;
mod presence;
mod shop;
