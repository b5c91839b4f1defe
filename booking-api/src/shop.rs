//! What the line is told of the shop: that it is well, and what is left of each performance.
//!
//! Each instance beats for every room that leads to something still sold. A room whose shop no instance of which has been
//! well of late lets nobody in; one where nothing is left and nothing is held says so to everybody who waits.

mod beat;
mod count;
mod health;
mod rooms;
mod store;

pub(crate) use self::beat::beat;
