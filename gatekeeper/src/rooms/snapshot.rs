//! A room at one instant, in a form that answers "how many stand in front of place p" at once.
//!
//! ```text
//! head        = (lowest place in waiting, else next) − 1
//! position(p) = p − head − departed(head+1 … p−1)
//! ```
//!
//! `departed` is a population count over a bitmap with a running sum per 64-bit word: O(1) whatever the
//! length of the line.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::ids::Number;
use shared::lottery::Permutation;
use shared::room::{CHUNK_PLACES, ChunkVersion, RoomSnapshot, Settings, ShopFacts, SnapshotChunk};

use crate::pace::Pace;

/// A snapshot older than this is called stale: a few readings have failed.
const STALE_AFTER: Duration = Duration::from_secs(1);
const WORD_BITS: u64 = 64;

/// One room at one instant.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The room's settings.
    pub settings: Settings,
    /// Everybody up to this place has been let in or has gone.
    pub head: u64,
    /// People in the line.
    pub waiting: u64,
    /// People in the active set.
    pub active: u64,
    /// People who stopped polling and may still come back.
    pub absent: u64,
    /// Gatekeepers that serve this room, this one included.
    pub gatekeepers: u64,
    /// No admitter has looked after the room of late: nobody is let in.
    pub is_halted: bool,
    /// The shop behind the room, if there is one.
    pub shop: Option<ShopFacts>,
    /// What its visitors are told about time.
    pub pace: Pace,
    places: Option<Arc<Permutation>>,
    pub(super) far_read_at: Instant,
    /// The last chunk that was read by itself: the next ones are behind it, so that none is forgotten for others.
    far_read_upto: u64,
    taken_at: Instant,
    /// The first chunk that is kept.
    first: u64,
    versions: BTreeMap<u64, ChunkVersion>,
    chunks: BTreeMap<u64, Arc<Chunk>>,
    /// Departed places in all known chunks before each chunk, from the first that is kept on.
    before: BTreeMap<u64, u64>,
}

#[derive(Debug)]
struct Chunk {
    version: ChunkVersion,
    words: Vec<u64>,
    /// Departed places in the words before each word.
    before: Vec<u32>,
    departed: u64,
}

impl Snapshot {
    /// Takes the near chunks from `raw` and what has not changed from the snapshot `earlier`.
    pub(crate) fn build(raw: RoomSnapshot, earlier: Option<&Self>) -> Self {
        let head = raw.head();
        let is_halted = raw.is_halted();
        // Of another life, nothing is the same.
        let earlier = earlier.filter(|earlier| earlier.settings.life == raw.settings.life);
        // What lies before whoever may still come back is never asked for again.
        let lowest = raw.lowest_absent.unwrap_or(head).min(head);
        let first = lowest / CHUNK_PLACES;
        let mut chunks = earlier
            .map(|earlier| earlier.chunks.clone())
            .unwrap_or_default();
        chunks.retain(|index, _| *index >= first);
        let now = Instant::now();
        let mut snapshot = Self {
            head,
            first,
            pace: Pace::default(),
            waiting: raw.waiting,
            active: raw.active,
            absent: raw.absent,
            places: raw.places,
            gatekeepers: raw.gatekeepers.max(1),
            is_halted,
            shop: raw.shop,
            settings: raw.settings,
            far_read_at: earlier.map_or(now, |earlier| earlier.far_read_at),
            far_read_upto: earlier.map_or(0, |earlier| earlier.far_read_upto),
            taken_at: now,
            versions: raw.versions,
            chunks,
            before: BTreeMap::new(),
        };
        snapshot.add_chunks(raw.near);
        snapshot
    }

    /// Whether the place of this number will be drawn, and has not been yet.
    pub fn is_in_lobby(&self, number: Number) -> bool {
        let lottery = self.settings.lottery.as_ref();
        lottery.is_some_and(|lottery| {
            lottery.seed.is_none() && lottery.size.is_none_or(|size| number.0 <= size)
        })
    }

    /// The next far chunks that are older than their version says.
    pub(super) fn outdated_chunks(&self, most: usize) -> Vec<u64> {
        let current = |index: u64| self.chunks.get(&index).map_or(0, |chunk| chunk.version);
        let outdated = |from, to| {
            let range = self.versions.range((from, to));
            range.filter(|&(&index, &version)| current(index) != version)
        };
        let behind = self.far_read_upto.max(self.first.saturating_sub(1));
        let behind_it = outdated(Bound::Excluded(behind), Bound::Unbounded);
        let up_to_it = outdated(Bound::Included(self.first), Bound::Included(behind));
        let round = behind_it.chain(up_to_it).map(|(&index, _)| index);
        round.take(most).collect()
    }

    /// Takes over chunks that were read by themselves.
    pub(super) fn add_far_chunks(&mut self, chunks: Vec<SnapshotChunk>) {
        self.far_read_upto = chunks.last().map_or(0, |chunk| chunk.index);
        self.add_chunks(chunks);
    }

    pub(super) fn add_chunks(&mut self, chunks: Vec<SnapshotChunk>) {
        for chunk in chunks {
            let known = self.chunks.get(&chunk.index);
            // Version 0 means that no bit was ever set.
            if chunk.version > 0 && known.is_none_or(|known| known.version != chunk.version) {
                self.chunks
                    .insert(chunk.index, Arc::new(Chunk::parse(&chunk)));
            }
        }
        let mut sum = 0;
        self.before.clear();
        for (&index, chunk) in &self.chunks {
            self.before.insert(index, sum);
            sum += chunk.departed;
        }
    }

    /// The place of a number, as a lottery has drawn it; else the number itself.
    pub fn place_of(&self, number: Number) -> u64 {
        let places = self.places.as_deref();
        places.map_or(number.0, |places| places.place_of(number.0))
    }

    /// Whether place `place` was given up or let in, as far as this snapshot knows.
    pub fn has_departed(&self, place: u64) -> bool {
        let chunk = self.chunks.get(&(place / CHUNK_PLACES));
        place <= self.head || chunk.is_some_and(|chunk| chunk.bit(place % CHUNK_PLACES))
    }

    /// How many people stand in front of `place`, plus one. A place that was given out after this
    /// snapshot is legal; one at or before the head is next.
    pub fn position(&self, place: u64) -> u64 {
        let behind_head = place.saturating_sub(self.head);
        let gone = self
            .departed_before(place)
            .saturating_sub(self.departed_before(self.head + 1));
        behind_head.saturating_sub(gone).max(1)
    }

    /// The same without what lies more than `places` behind the head, for keeping.
    pub(crate) fn front(&self, places: u64) -> Self {
        let last = self.head.saturating_add(places) / CHUNK_PLACES;
        let mut front = self.clone();
        front.versions.clear();
        front.chunks.retain(|index, _| *index <= last);
        front.before.retain(|index, _| *index <= last);
        front
    }

    /// Departed places from the head's chunk up to, and without, `place`.
    fn departed_before(&self, place: u64) -> u64 {
        let index = place / CHUNK_PLACES;
        match self.before.range(..=index).next_back() {
            Some((&found, &sum)) => {
                let chunk = &self.chunks[&found];
                if found == index {
                    sum + chunk.rank(place % CHUNK_PLACES)
                } else {
                    sum + chunk.departed
                }
            }
            None => 0,
        }
    }

    /// How long ago Redis was read.
    pub fn age(&self) -> Duration {
        self.taken_at.elapsed()
    }

    /// Whether Redis has not been read for a while.
    pub fn is_stale(&self) -> bool {
        self.age() > STALE_AFTER
    }
}

impl Chunk {
    fn parse(chunk: &SnapshotChunk) -> Self {
        let word_count = usize::try_from(CHUNK_PLACES / WORD_BITS).expect("a thousand words");
        let mut words = vec![0; word_count];
        for (index, &byte) in chunk.bits.iter().enumerate().take(word_count * 8) {
            // Redis counts bits from the highest of a byte, we from the lowest.
            words[index / 8] |= u64::from(byte.reverse_bits()) << (index % 8 * 8);
        }
        let mut departed = 0;
        let before = words.iter().map(|word| {
            let sum = departed;
            departed += word.count_ones();
            sum
        });
        let before = before.collect();
        Self {
            version: chunk.version,
            words,
            before,
            departed: u64::from(departed),
        }
    }

    fn bit(&self, offset: u64) -> bool {
        let (word, bit) = split(offset);
        self.words[word] >> bit & 1 == 1
    }

    /// Departed places before `offset`.
    fn rank(&self, offset: u64) -> u64 {
        let (word, bit) = split(offset);
        let within = self.words[word] & ((1 << bit) - 1);
        u64::from(self.before[word] + within.count_ones())
    }
}

fn split(offset: u64) -> (usize, u64) {
    let word = usize::try_from(offset / WORD_BITS).expect("an offset is below CHUNK_PLACES");
    (word, offset % WORD_BITS)
}

#[cfg(test)]
pub(crate) mod tests;
