use std::collections::HashMap;

use super::ShopFacts;

const NOW_MS: i64 = 1_800_000_000_000;

fn facts(fields: &[(&str, &str)]) -> Option<ShopFacts> {
    let owned = |(field, value): &(&str, &str)| ((*field).to_owned(), (*value).to_owned());
    ShopFacts::parse(&fields.iter().map(owned).collect::<HashMap<_, _>>(), NOW_MS)
}

fn beaten(ago_ms: i64) -> String {
    (NOW_MS - ago_ms).to_string()
}

#[test]
fn without_a_beat_there_is_no_shop() {
    assert_eq!(facts(&[]), None);
}

#[test]
fn performances_are_added_up() {
    let shop = facts(&[
        ("healthy_at_ms", &beaten(0)),
        ("turn", "7"),
        ("p:1", "10 2"),
        ("p:22", "0 3"),
    ]);
    let shop = shop.unwrap();
    assert_eq!((shop.performances, shop.sellable, shop.held), (2, 10, 5));
    assert_eq!(shop.inventory(), Some(10));
    assert!(!shop.is_busy && !shop.is_sold_out());
}

#[test]
fn what_was_not_counted_yet_is_not_told_as_nothing() {
    let shop = facts(&[("healthy_at_ms", &beaten(0)), ("turn", "1")]).unwrap();
    assert_eq!(shop.inventory(), None);
}

#[test]
fn a_shop_is_busy_once_its_last_good_beat_is_too_old() {
    for (ago_ms, is_busy) in [(5_000, false), (5_001, true), (-60_000, false)] {
        let shop = facts(&[("healthy_at_ms", &beaten(ago_ms))]).unwrap();
        assert_eq!(shop.is_busy, is_busy, "{ago_ms} ms ago");
    }
    assert!(facts(&[("healthy_at_ms", "0")]).unwrap().is_busy);
}

#[test]
fn sold_out_is_nothing_left_and_nothing_held_of_all_performances() {
    let is_sold_out = |counts: &[(&str, &str)]| {
        let beat = beaten(0);
        let fields = [&[("healthy_at_ms", beat.as_str())], counts].concat();
        facts(&fields).unwrap().is_sold_out()
    };
    assert!(is_sold_out(&[("p:1", "0 0"), ("p:2", "0 0")]));
    assert!(!is_sold_out(&[("p:1", "0 0"), ("p:2", "1 0")]));
    assert!(!is_sold_out(&[("p:1", "0 0"), ("p:2", "0 1")]));
    assert!(!is_sold_out(&[]), "nothing was counted yet");
    assert!(
        !is_sold_out(&[("p:1", "0 0"), ("p:2", "what")]),
        "what cannot be read is not certain"
    );
}
