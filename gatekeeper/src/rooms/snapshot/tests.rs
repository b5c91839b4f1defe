use std::collections::BTreeSet;

use proptest::prelude::*;
use shared::room::RoomState;

use super::*;

fn settings(next: u64) -> Settings {
    Settings {
        life: 1,
        version: 1,
        state: RoomState::Open,
        next,
        rate_per_second: Some(100.0),
        capacity: None,
        anonymous: false,
        opens_at_ms: None,
        message: None,
        lottery: None,
        admitted_total: 0,
        promoted_at_ms: None,
    }
}

/// What Redis would hold when `departed` have gone from `1..next`.
pub(crate) fn raw(next: u64, departed: &BTreeSet<u64>) -> RoomSnapshot {
    let waiting: Vec<u64> = (1..next)
        .filter(|place| !departed.contains(place))
        .collect();
    let mut chunks: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    for place in departed {
        let bits = chunks
            .entry(place / CHUNK_PLACES)
            .or_insert_with(|| vec![0; 8192]);
        let offset = usize::try_from(place % CHUNK_PLACES).unwrap();
        bits[offset / 8] |= 0x80 >> (offset % 8);
    }
    let versions = chunks.keys().map(|index| (*index, 1)).collect();
    let near = chunks.into_iter().map(|(index, bits)| SnapshotChunk {
        index,
        version: 1,
        bits,
    });
    RoomSnapshot {
        settings: settings(next),
        lowest_waiting: waiting.first().copied(),
        lowest_absent: None,
        waiting: waiting.len() as u64,
        active: 0,
        absent: 0,
        gatekeepers: 1,
        shop: None,
        near: near.collect(),
        versions,
        places: None,
        taken_at_ms: 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Positions are exact: the rank in the line, plus one, for everybody who waits.
    #[test]
    fn a_position_is_the_number_of_people_in_front_plus_one(
        next in 1_u64..200_000,
        gone in prop::collection::btree_set(1_u64..200_000, 0..2_000),
        front in 0_u64..150_000,
    ) {
        let departed: BTreeSet<u64> = gone.into_iter().chain(1..front).filter(|place| *place < next).collect();
        let snapshot = Snapshot::build(raw(next, &departed), None);
        let waiting: Vec<u64> = (1..next).filter(|place| !departed.contains(place)).collect();
        for (rank, &place) in waiting.iter().enumerate() {
            prop_assert_eq!(snapshot.position(place), rank as u64 + 1);
            prop_assert!(!snapshot.has_departed(place));
        }
        for place in &departed {
            prop_assert!(snapshot.has_departed(*place));
        }
        // Joined a moment ago: behind everybody.
        prop_assert_eq!(snapshot.position(next), waiting.len() as u64 + 1);
    }
}

#[test]
fn a_chunk_that_changed_far_behind_is_asked_for_and_then_counts() {
    let next = 3 * CHUNK_PLACES;
    let far = 2 * CHUNK_PLACES + 7;
    let mut snapshot = Snapshot::build(raw(next, &BTreeSet::new()), None);
    assert_eq!(snapshot.position(next - 1), next - 1);
    let mut later = raw(next, &BTreeSet::from([far]));
    let far_chunk = later.near.clone();
    later.near.clear();
    snapshot = Snapshot::build(later, Some(&snapshot));
    assert_eq!(snapshot.outdated_chunks(10), [2]);
    snapshot.add_far_chunks(far_chunk);
    assert!(snapshot.outdated_chunks(10).is_empty());
    assert_eq!(snapshot.position(next - 1), next - 2);
    assert_eq!(snapshot.position(far - 1), far - 1);
}

#[test]
fn another_life_of_the_room_forgets_everything() {
    let departed = BTreeSet::from([1, 2, 5]);
    let earlier = Snapshot::build(raw(10, &departed), None);
    let mut fresh = raw(10, &BTreeSet::new());
    fresh.settings.life = 2;
    let snapshot = Snapshot::build(fresh, Some(&earlier));
    assert_eq!(snapshot.position(9), 9);
}

#[test]
fn no_far_chunk_is_forgotten_for_nearer_ones_that_change_all_the_time() {
    let next = 6 * CHUNK_PLACES;
    let in_each = |offset: u64| (0..6).map(|chunk| chunk * CHUNK_PLACES + offset).collect();
    let mut snapshot = Snapshot::build(raw(next, &BTreeSet::new()), None);
    let mut read = BTreeSet::new();
    for offset in 1..=3 {
        let mut later = raw(next, &in_each(offset));
        let chunks = std::mem::take(&mut later.near);
        for (index, version) in &mut later.versions {
            *version = offset * 10 + index;
        }
        snapshot = Snapshot::build(later, Some(&snapshot));
        let wanted = snapshot.outdated_chunks(2);
        assert_eq!(wanted.len(), 2);
        read.extend(wanted.iter().copied());
        let chunks = chunks
            .into_iter()
            .filter(|chunk| wanted.contains(&chunk.index));
        snapshot.add_far_chunks(chunks.collect());
    }
    assert_eq!(read.len(), 6, "{read:?}");
}
