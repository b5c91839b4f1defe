//! The corpora of the fuzz targets (`fuzz/corpus`), each input as it is and many times altered.

use std::path::{Path, PathBuf};

use gatekeeper::hostile::{self, TokenKind, Verifiers};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const ALTERED: usize = 20_000;
const LONGEST_BYTES: usize = 4_096;

/// Gives `entry` every input of the corpus `target`, then altered ones.
fn run(target: &str, entry: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let files = std::fs::read_dir(folder.join(target)).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let corpus: Vec<Vec<u8>> = paths
        .into_iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(!corpus.is_empty(), "{target} has no corpus");
    for input in &corpus {
        entry(input);
    }
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..ALTERED {
        let mut input = corpus[random.random_range(0..corpus.len())].clone();
        for _ in 0..random.random_range(1..5) {
            alter(&mut input, &corpus, &mut random);
        }
        entry(&input);
    }
}

/// Changes, inserts, takes out or repeats something, or splices another input in.
fn alter(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut StdRng) {
    let at = random.random_range(0..=input.len());
    match random.random_range(0..5) {
        0 => input.insert(at, random.random()),
        1 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
        2 => input.truncate(at),
        3 => input.extend_from_within(at..),
        _ => {
            let other = &corpus[random.random_range(0..corpus.len())];
            let from = random.random_range(0..=other.len());
            input.splice(at..at, other[from..].iter().copied());
        }
    }
    input.truncate(LONGEST_BYTES);
}

#[test]
fn no_path_breaks_anything() {
    run("paths", hostile::path);
}

#[test]
fn no_query_breaks_anything() {
    run("queries", hostile::query);
}

#[test]
fn no_header_breaks_anything() {
    run("headers", hostile::headers);
}

#[test]
fn no_reply_of_redis_breaks_anything() {
    run("replies", |input| drop(hostile::reply(input)));
}

/// A corpus of replies that no script gives any more would look for nothing.
#[test]
fn the_replies_of_the_corpus_are_those_that_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/replies");
    for (input, reader) in [
        ("snapshot", "snapshot"),
        ("drawn", "snapshot"),
        ("joined", "join"),
        ("claimed", "claim"),
        ("looked", "look"),
        ("promises", "presence"),
        ("changes", "changes"),
        ("lottery", "lottery"),
        ("remembered", "memory"),
    ] {
        let reply = std::fs::read(folder.join(input)).unwrap();
        let took = hostile::reply(&reply);
        assert!(took.contains(&reader), "{input} is taken by {took:?}");
    }
}

fn verifiers() -> Verifiers {
    let folder = format!("hostile-{:08x}", rand::random::<u32>());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let verifiers = Verifiers::in_folder(&folder).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    verifiers
}

#[test]
fn no_token_breaks_anything() {
    let verifiers = verifiers();
    run("tokens", |input| {
        verifiers.token(input);
    });
}

/// A corpus of tokens that nobody signs any more would end at their headers.
#[test]
fn the_tokens_of_the_corpus_are_those_that_are_believed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/tokens");
    let verifiers = verifiers();
    let kind = |name| verifiers.token(&std::fs::read(folder.join(name)).unwrap());
    for (name, expected) in [
        ("good", Some(TokenKind::Waiting)),
        ("absurd", Some(TokenKind::Waiting)),
        ("good-user", Some(TokenKind::User)),
        ("good-admission", Some(TokenKind::Admission)),
        ("bad-room", None),
        ("other-room", None),
        ("none", None),
    ] {
        assert_eq!(kind(name), expected, "{name}");
    }
}
