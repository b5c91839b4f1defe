//! The scripts of a room.

mod headers;
mod life;
mod model;
mod pace;
