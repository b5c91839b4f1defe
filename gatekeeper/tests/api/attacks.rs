//! What must not work, one test for each attack on the door. ARCHITECTURE.md lists all attacks with their tests.

mod line;
mod pages;
mod requests;
mod tokens;
