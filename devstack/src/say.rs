//! What commands tell their user. Everything else goes to logs.

/// Prints a line.
#[expect(clippy::print_stdout, reason = "the one place where commands speak")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
