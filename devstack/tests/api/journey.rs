//! The journey across all processes: real binaries, real stores, HTTP alone.

mod admitters;
mod books;
mod cable;
mod crowd;
mod cut_off;
mod failover;
mod faults;
mod people;
mod recovery;
mod shop;
mod waiting;
mod walk;
mod world;
