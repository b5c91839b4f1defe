//! ARCHITECTURE.md names the tests that hold each promise and make each attack: they must be there.

use std::path::{Path, PathBuf};

const CRATES: [&str; 5] = [
    "gatekeeper",
    "admitter",
    "booking-api",
    "devstack",
    "shared",
];

fn workspace() -> &'static Path {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR"));
    shared.parent().unwrap()
}

/// All Rust files below `folder`.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Whether `name` (`file::test`, `file::beginning_*` or `file::*`) is a test of `file`.
fn is_there(name: &str, files: &[(PathBuf, String)]) -> bool {
    let (path, test) = name.rsplit_once("::").unwrap();
    let file = format!("/{}.rs", path.replace("::", "/"));
    let beginning = test.strip_suffix(['*', '…']);
    let function = match beginning {
        Some(beginning) => format!("fn {beginning}"),
        None => format!("fn {test}("),
    };
    files
        .iter()
        .any(|(path, text)| path.display().to_string().ends_with(&file) && text.contains(&function))
}

#[test]
fn the_tests_that_the_architecture_names_are_there() {
    let mut paths = Vec::new();
    for name in CRATES {
        sources(&workspace().join(name).join("tests"), &mut paths);
    }
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    };
    let files: Vec<_> = paths.into_iter().map(read).collect();
    let text = std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let named: Vec<&str> = quoted.filter(|name| name.contains("::")).collect();
    assert!(named.len() > 40, "only {} are named", named.len());
    for name in named {
        assert!(is_there(name, &files), "{name} is named, and is not there");
    }
}
