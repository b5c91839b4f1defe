//! The header of a script says which keys and arguments it takes; the code must agree.

use std::collections::BTreeSet;

/// The indices that follow `ARGV[` in `text`.
fn arguments(text: &str) -> BTreeSet<u32> {
    let digits = text.split("ARGV[").skip(1).map(|rest| {
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    digits.filter_map(|digits| digits.parse().ok()).collect()
}

/// The names that follow `keys.` in `code`.
fn keys_used(code: &str) -> BTreeSet<&str> {
    let names = code.split("keys.").skip(1).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    names.collect()
}

/// The names of the line `keys: …` of a header.
fn keys_told(header: &str) -> BTreeSet<&str> {
    let line = header
        .lines()
        .find_map(|line| line.trim().strip_prefix("keys: "));
    line.into_iter().flat_map(str::split_whitespace).collect()
}

#[test]
fn the_header_of_every_script_names_the_keys_that_it_uses() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/room/scripts");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("prelude.lua") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display();
        assert!(text.starts_with("--[["), "{name} has no header");
        let (header, code) = text.split_once("]]\n").unwrap();
        assert!(
            header.contains("Returns"),
            "{name} does not say what it returns"
        );
        assert!(!code.contains("KEYS["), "{name}: keys have names");
        let (told, used) = (keys_told(header), keys_used(code));
        assert!(
            used.is_subset(&told),
            "{name}: the code uses {used:?}, the header tells {told:?}"
        );
        let (told, used) = (arguments(header), arguments(code));
        assert!(
            used.is_subset(&told),
            "{name}: the code uses {used:?}, the header tells {told:?}"
        );
        seen += 1;
    }
    assert!(seen >= 15, "only {seen} scripts were looked at");
}
