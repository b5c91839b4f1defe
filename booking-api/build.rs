//! The migrations are part of the program: a new file among them has to make a new program.

#[expect(clippy::print_stdout, reason = "so a build script speaks to cargo")]
fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
