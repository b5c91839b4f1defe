//! Which seats to offer somebody who only says how many: neighbours in one row of a tier.

use std::ops::Range;

use rand::seq::IndexedRandom;

use super::Snapshot;
use crate::layouts::Layout;

/// Among how many of the best places one is drawn. Everybody asks for the best ones at once; if all were given the same
/// answer, all but one would lose.
const DRAWN_FROM: usize = 16;

/// `count` free neighbours of `tier`, from the front rows; `None` when there are none.
pub(crate) fn neighbours(
    layout: &Layout,
    snapshot: &Snapshot,
    tier: &str,
    count: usize,
) -> Option<Vec<i32>> {
    let is_free: Vec<bool> = snapshot.free().take(layout.len()).collect();
    let is_good =
        |seat: usize| is_free.get(seat).is_some_and(|free| *free) && layout.tier(seat) == tier;
    let places = places(layout.rows(), is_good, count);
    let first = *places.choose(&mut rand::rng())?;
    (first..first + count)
        .map(|seat| i32::try_from(seat).ok())
        .collect()
}

/// Where the first of `count` good neighbours is, for the first few of such places; none of them overlap.
fn places(rows: &[Range<usize>], is_good: impl Fn(usize) -> bool, count: usize) -> Vec<usize> {
    let mut places = Vec::new();
    for row in rows {
        let mut first = row.start;
        while first + count <= row.end && places.len() < DRAWN_FROM {
            // Jumps past the last bad seat, so that a row is looked at once, whatever is asked for.
            if let Some(bad) = (first..first + count).rev().find(|seat| !is_good(*seat)) {
                first = bad + 1;
            } else {
                places.push(first);
                first += count;
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn neighbours_are_never_in_two_rows() {
        assert_eq!(places(&[0..3, 3..6], |_| true, 2), [0, 3]);
        assert_eq!(places(&[0..3, 3..6], |seat| seat != 1, 2), [3]);
        assert!(places(&[0..3, 3..6], |_| true, 4).is_empty());
    }

    proptest! {
        #[test]
        fn a_place_is_found_exactly_if_there_is_one(
            good in vec(any::<bool>(), 0..40), cut in 0_usize..40, count in 1_usize..6,
        ) {
            let cut = cut.min(good.len());
            let rows = [0..cut, cut..good.len()];
            let fits = |first: usize| {
                rows.iter().any(|row| row.contains(&first) && first + count <= row.end)
                    && good[first..first + count].iter().all(|good| *good)
            };
            let places = places(&rows, |seat| good[seat], count);
            prop_assert_eq!(places.is_empty(), !(0..good.len()).any(fits));
            prop_assert!(places.iter().all(|first| fits(*first)));
            prop_assert!(places.windows(2).all(|pair| pair[0] + count <= pair[1]));
        }
    }
}
