//! The header of a script says which keys and arguments it takes; the code must agree.

use std::collections::BTreeSet;

/// The indices that follow `name[` in `text`.
fn indices(text: &str, name: &str) -> BTreeSet<u32> {
    let opening = format!("{name}[");
    let starts = text
        .match_indices(&opening)
        .map(|(at, found)| at + found.len());
    let digits = starts.map(|at| {
        text[at..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    digits.filter_map(|digits| digits.parse().ok()).collect()
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
        let (told, used) = (indices(header, "KEYS"), indices(code, "KEYS"));
        assert_eq!(told, used, "{name}: keys of the header and of the code");
        let (told, used) = (indices(header, "ARGV"), indices(code, "ARGV"));
        assert!(
            used.is_subset(&told),
            "{name}: the code uses {used:?}, the header tells {told:?}"
        );
        seen += 1;
    }
    assert!(seen >= 11, "only {seen} scripts were looked at");
}
