//! The migrations are part of the program: a new file among them has to make a new program.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
