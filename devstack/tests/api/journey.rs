//! The journey across all processes: real binaries, real stores, HTTP alone.

mod books;
mod crowd;
mod faults;
mod people;
mod recovery;
mod shop;
mod walk;
mod world;
