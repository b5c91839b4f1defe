//! The journey across all processes: real binaries, real stores, HTTP alone.

mod admitters;
mod books;
mod crowd;
mod failover;
mod faults;
mod people;
mod recovery;
mod shop;
mod waiting;
mod walk;
mod world;
