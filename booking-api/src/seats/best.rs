//! Which seats to offer somebody who only says how many: neighbours in one row of a tier.

use rand::seq::IndexedRandom;

use super::Snapshot;
use crate::layouts::Layout;

/// Among how many of the best places one is drawn. Everybody asks for the best ones at once; if all were given the same
/// answer, all but one would lose.
const DRAWN_FROM: usize = 16;

/// `count` free neighbours of `tier`, from the front rows; `None` when there are none.
pub(crate) fn neighbours(layout: &Layout, snapshot: &Snapshot, tier: &str, count: usize) -> Option<Vec<i32>> {
    let free: Vec<bool> = snapshot.free().take(layout.len()).collect();
    let is_good = |index: usize| free.get(index).copied().unwrap_or(false) && layout.tier(index) == tier;
    let mut places = Vec::new();
    for row in layout.rows() {
        let mut first = row.start;
        while first + count <= row.end && places.len() < DRAWN_FROM {
            // Jumps past the last bad seat, so that a row is looked at once, whatever is asked for.
            match (first..first + count).rev().find(|index| !is_good(*index)) {
                Some(bad) => first = bad + 1,
                None => {
                    places.push(first);
                    first += count;
                }
            }
        }
    }
    let first = *places.choose(&mut rand::rng())?;
    (first..first + count).map(|index| i32::try_from(index).ok()).collect()
}
