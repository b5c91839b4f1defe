//! Which seats a buyer asks for: near the front, side by side if possible, and drawn, so that buyers
//! who look at the same map want some of the same seats without all wanting the very same.

use rand::RngExt;
use rand::rngs::StdRng;

/// Chooses up to `wanted` of the free seats (front first); fewer only when fewer are free. The choice
/// falls among the `front` free seats that are nearest to the stage.
pub(crate) fn choose(
    free: &[u32],
    seats_per_row: u32,
    wanted: usize,
    front: usize,
    rng: &mut StdRng,
) -> Vec<u32> {
    if free.is_empty() || wanted == 0 {
        return Vec::new();
    }
    let wanted = wanted.min(free.len());
    let choice = front.clamp(1, free.len());
    // The lower of two draws: the front is wanted most.
    let start = rng.random_range(0..choice).min(rng.random_range(0..choice));
    side_by_side(&free[start..], seats_per_row, wanted).unwrap_or_else(|| {
        free.iter()
            .cycle()
            .skip(start)
            .take(wanted)
            .copied()
            .collect()
    })
}

/// The first run of `wanted` neighbours in one row.
fn side_by_side(free: &[u32], seats_per_row: u32, wanted: usize) -> Option<Vec<u32>> {
    let neighbours =
        |pair: &[u32]| pair[1] == pair[0] + 1 && pair[0] / seats_per_row == pair[1] / seats_per_row;
    free.windows(wanted)
        .find(|run| run.windows(2).all(neighbours))
        .map(<[u32]>::to_vec)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;

    use super::*;

    fn draw(free: &[u32], wanted: usize, seed: u64) -> Vec<u32> {
        choose(free, 10, wanted, 200, &mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn seats_are_side_by_side_in_one_row_where_that_is_possible() {
        let free: Vec<u32> = (0..1_000).collect();
        for seed in 0..200 {
            let seats = draw(&free, 3, seed);
            assert_eq!(seats.len(), 3);
            assert!(
                seats.windows(2).all(|pair| pair[1] == pair[0] + 1),
                "{seats:?}"
            );
            assert_eq!(seats[0] / 10, seats[2] / 10, "{seats:?}");
        }
    }

    #[test]
    fn the_front_is_wanted_most_but_not_by_all_at_once() {
        let free: Vec<u32> = (0..1_000).collect();
        let chosen: Vec<u32> = (0..200).map(|seed| draw(&free, 1, seed)[0]).collect();
        assert!(chosen.iter().all(|seat| *seat < 200));
        let in_front = chosen.iter().filter(|seat| **seat < 100).count();
        assert!(in_front > 120, "{in_front}");
        assert!(chosen.iter().collect::<HashSet<_>>().len() > 50);
    }

    #[test]
    fn scattered_seats_are_taken_when_no_two_are_neighbours() {
        for seed in 0..50 {
            let seats = draw(&[3, 17, 40], 2, seed);
            assert_eq!(seats.iter().collect::<HashSet<_>>().len(), 2, "{seats:?}");
        }
    }

    #[test]
    fn the_last_seats_are_taken_by_whoever_wanted_more() {
        assert_eq!(draw(&[7], 4, 1), [7]);
        assert!(draw(&[], 4, 1).is_empty());
    }
}
