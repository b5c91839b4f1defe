use std::fmt::Write as _;

use super::*;
use crate::ids::{RoomName, VisitorId};
use crate::lottery::visitor_hash;

const LIFE: u64 = 1_800_000_000_000_000;

/// The proof of a draw among `joins` visitors, the third of whom got no number after the second.
fn proof(joins: u64) -> String {
    let room: RoomName = "main".parse().expect("a name");
    let secret: Secret = Digest::of(&[b"secret"])
        .to_string()
        .parse()
        .expect("digits");
    let numbers = (1..=joins).map(|join| if join < 3 { join } else { join + 5 });
    let size = joins + 5;
    let visitor =
        |number: u64| -> VisitorId { format!("visitor-{number}").parse().expect("an id") };
    let mut list = JoinList::new(&room, LIFE);
    for number in numbers.clone() {
        list.add(number, &visitor_hash(&room, LIFE, &visitor(number)));
    }
    let seed = seed_of(&secret, &list.hash(), size, "round 7");
    let header = Header {
        format: FORMAT.to_owned(),
        commitment: secret.commitment(),
        secret: Digest::of(&[b"secret"]),
        public_source: Some("the beacon".to_owned()),
        public_value: "round 7".to_owned(),
        joins,
        list: list.hash(),
        list_was_lost: false,
        seed,
        size,
        life: LIFE,
        room: room.clone(),
    };
    let permutation = Permutation::new(&seed, size).expect("not too many");
    let mut text = serde_json::to_string(&header).expect("plain fields") + "\n";
    for number in numbers {
        let entry = Entry {
            number,
            place: permutation.place_of(number),
            visitor: visitor_hash(&room, LIFE, &visitor(number)),
        };
        writeln!(text, "{entry}").expect("a string grows");
    }
    text
}

fn findings(proof: &str) -> Findings {
    verify(proof.as_bytes(), |_, _| {}).expect("it can be read")
}

/// The proof with one line, counted from 0, replaced.
fn with_line(proof: &str, at: usize, change: impl FnOnce(&str) -> String) -> String {
    let mut lines: Vec<String> = proof.lines().map(str::to_owned).collect();
    lines[at] = change(&lines[at]);
    lines.join("\n")
}

#[test]
fn a_true_proof_holds() {
    let mut seen = Vec::new();
    let found =
        verify(proof(200).as_bytes(), |_, entry| seen.push(entry.place)).expect("it can be read");
    assert_eq!((found.joins, found.differences_total), (200, 0));
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 200, "nobody has another's place");
}

#[test]
fn another_secret_is_told() {
    let other = Digest::of(&[b"other"]).to_string();
    let forged = with_line(&proof(50), 0, |header| {
        header.replace(&Digest::of(&[b"secret"]).to_string(), &other)
    });
    let found = findings(&forged).differences;
    assert!(
        matches!(found[0], Difference::Commitment { .. }),
        "{found:?}"
    );
    assert!(matches!(found[1], Difference::Seed { .. }), "{found:?}");
}

#[test]
fn another_public_value_is_told() {
    let forged = with_line(&proof(50), 0, |header| header.replace("round 7", "round 8"));
    let found = findings(&forged);
    assert!(matches!(found.differences[0], Difference::Seed { .. }));
    assert!(found.differences_total > 40, "nearly all places differ");
    assert!(found.differences.len() <= TOLD_MOST);
}

#[test]
fn somebody_exchanged_left_out_or_added_is_told() {
    let true_proof = proof(50);
    let stranger = Digest::of(&[b"stranger"]);
    let exchanged = with_line(&true_proof, 10, |line| {
        let entry: Entry = line.parse().expect("an entry");
        Entry {
            visitor: stranger,
            ..entry
        }
        .to_string()
    });
    let found = findings(&exchanged);
    assert!(matches!(found.differences[..], [Difference::List { .. }]));

    let lines: Vec<&str> = true_proof.lines().collect();
    let left_out = findings(&[&lines[..10], &lines[11..]].concat().join("\n"));
    assert!(matches!(
        left_out.differences[..],
        [
            Difference::Joins {
                claimed: 50,
                found: 49
            },
            Difference::List { .. }
        ]
    ));

    let added = findings(&format!("{true_proof}56 56 {stranger}\n"));
    assert!(matches!(
        added.differences[0],
        Difference::Beyond {
            number: 56,
            size: 55
        }
    ));
}

#[test]
fn another_order_a_number_twice_and_another_place_are_told() {
    let true_proof = proof(50);
    let mut lines: Vec<&str> = true_proof.lines().collect();
    lines.swap(4, 5);
    let found = findings(&lines.join("\n")).differences;
    assert!(matches!(found[0], Difference::Order { .. }), "{found:?}");
    assert!(matches!(found[1], Difference::List { .. }), "{found:?}");
    // Of a list that was made anew the order is that of coming back.
    let lost = lines[0].replacen("\"seed\"", "\"list_was_lost\":true,\"seed\"", 1);
    let remade = [&[lost.as_str()], &lines[1..]].concat().join("\n");
    let found = findings(&remade).differences;
    assert!(matches!(found[..], [Difference::List { .. }]), "{found:?}");
    lines[5] = lines[4];
    let found = findings(&lines.join("\n")).differences;
    assert!(matches!(found[0], Difference::Twice { .. }), "{found:?}");
    // Whoever had tried other sizes until the draw suited them would have to change the seed, too.
    let longer = true_proof.replacen("\"size\":55", "\"size\":56", 1);
    let found = findings(&longer).differences;
    assert!(matches!(found[0], Difference::Seed { .. }), "{found:?}");

    let moved = with_line(&true_proof, 1, |line| {
        let entry: Entry = line.parse().expect("an entry");
        Entry {
            place: entry.place % 55 + 1,
            ..entry
        }
        .to_string()
    });
    let found = findings(&moved).differences;
    assert!(
        matches!(found[..], [Difference::Place { number: 1, .. }]),
        "{found:?}"
    );
}

#[test]
fn what_is_no_proof_is_refused() {
    let refused = |text: &str| verify(text.as_bytes(), |_, _| {}).expect_err("no proof");
    assert!(matches!(refused(""), Unreadable::Empty));
    assert!(matches!(refused("{}"), Unreadable::Header(_)));
    let true_proof = proof(3);
    let other = true_proof.replace(FORMAT, "onsale-lottery-2");
    assert!(matches!(refused(&other), Unreadable::Format(_)));
    let broken = with_line(&true_proof, 2, |line| format!("{line} 1"));
    assert!(matches!(refused(&broken), Unreadable::Line(3, _)));
    let vast = true_proof.replace("\"size\":8", "\"size\":18446744073709551615");
    assert!(matches!(refused(&vast), Unreadable::Size(_)));
}
