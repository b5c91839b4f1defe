use proptest::prelude::*;

use super::*;

fn seed(number: u64) -> Digest {
    Digest::of(&[&number.to_be_bytes()])
}

fn permutation(number: u64, size: u64) -> Permutation {
    Permutation::new(&seed(number), size).expect("not too many")
}

/// All places in the order of the numbers.
fn places(number: u64, size: u64) -> Vec<u64> {
    let permutation = permutation(number, size);
    (1..=size)
        .map(|number| permutation.place_of(number))
        .collect()
}

#[test]
fn every_place_is_given_once_whatever_the_size() {
    for size in (1..=300).chain([4_095, 4_096, 4_097, 10_000, 99_856, 99_857]) {
        let mut places = places(size, size);
        places.sort_unstable();
        assert!(places.into_iter().eq(1..=size), "size {size}");
    }
}

#[test]
fn what_came_after_the_draw_keeps_its_number() {
    let permutation = permutation(1, 10);
    assert_eq!(permutation.place_of(11), 11);
    assert_eq!(permutation.number_of(1_000_000), 1_000_000);
    assert_eq!(permutation.place_of(0), 0, "there is no such number");
}

#[test]
fn more_places_than_can_be_numbered_are_refused() {
    assert_eq!(Permutation::new(&seed(1), SIZE_MOST + 1), None);
}

/// As another program computes them from the description alone; with other places, proofs would not hold.
#[test]
fn the_places_of_a_known_seed_never_change() {
    assert_eq!(places(7, 10), [10, 1, 6, 2, 9, 5, 7, 8, 4, 3]);
}

/// Chi-squared of counts that should be equal.
fn chi_squared(counts: &[u64]) -> f64 {
    let total: u64 = counts.iter().sum();
    let [total, cells] =
        [total, counts.len() as u64].map(|count| f64::from(u32::try_from(count).expect("few")));
    let expected = total / cells;
    let parts = counts.iter().map(|count| {
        let difference = f64::from(u32::try_from(*count).expect("few")) - expected;
        difference * difference / expected
    });
    parts.sum()
}

fn count(cells: u64, cell_of_each: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut counts = vec![0; usize::try_from(cells).expect("few")];
    for cell in cell_of_each {
        counts[usize::try_from(cell).expect("few")] += 1;
    }
    counts
}

/// Where a visitor stands after many draws. The seeds are fixed, so that the test says the same on every run.
#[test]
fn every_place_is_equally_likely_for_every_number() {
    for (size, number) in [(2, 1), (3, 1), (3, 3), (5, 2), (10, 1), (10, 10)] {
        let draws = (0..2_000).map(|draw| permutation(draw, size).place_of(number) - 1);
        let found = chi_squared(&count(size, draws));
        // With up to nine degrees of freedom, 1 in 1,000 draws of tables as these lies above 28.
        assert!(found < 28.0, "number {number} of {size}: {found}");
    }
}

#[test]
fn all_orders_of_three_are_equally_likely() {
    let orders = (0..3_000).map(|draw| {
        let places = places(draw, 3);
        (places[0] - 1) * 2 + u64::from(places[1] > places[2])
    });
    let found = chi_squared(&count(6, orders));
    assert!(found < 21.0, "{found}");
}

#[test]
fn neighbours_do_not_stay_together() {
    let places = places(42, 100_000);
    let distances = places
        .windows(2)
        .map(|pair| (pair[0] + 100_000 - pair[1]) % 100_000 / 10_000);
    let found = chi_squared(&count(10, distances));
    assert!(found < 28.0, "{found}");
}

proptest! {
    #[test]
    fn number_and_place_lead_to_each_other(draw: u64, size in 1_u64..2_000_000, number in 1_u64..2_000_000) {
        let permutation = permutation(draw, size);
        let place = permutation.place_of(number);
        prop_assert_eq!(permutation.number_of(place), number);
        prop_assert_eq!(place <= size, number <= size);
    }
}
