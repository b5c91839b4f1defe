//! Presence: beats, and who missed theirs.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{Value, from_redis_value};

use super::line::{Line, unexpected};
use super::script::room_script;
use super::snapshot::CHUNK_PLACES;
use crate::ids::{Number, VisitorId};
use crate::redis_handle::{Script, StoreError};

static BEAT: LazyLock<Script> = room_script!("beat");
static RETURN: LazyLock<Script> = room_script!("return");
static PRESENCE: LazyLock<Script> = room_script!("presence");
static SWEEP: LazyLock<Script> = room_script!("sweep");
static LAPSE: LazyLock<Script> = room_script!("lapse");

/// `PROMISE_UNIT_MS` and `SEEN_UNIT_MS` of prelude.lua.
const PROMISE_UNIT_MS: u64 = 1_500;
const SEEN_UNIT_MS: u64 = 500;
/// What a script can count to exactly.
const MOST_PLACES: u64 = 1 << 53;
/// Times of sight are kept modulo so many units (97 days).
const SEEN_MODULUS: u64 = 1 << 24;
/// In place of a promise: its visitor is absent already (`ABSENT` of prelude.lua).
const ABSENT: u32 = 255;
const BYTES_A_PLACE: usize = 4;

/// For how long a visitor may be silent before being absent, in the units in which Redis keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Promise(u8);

impl Promise {
    /// The longest that can be promised: 381 s.
    pub const LONGEST: Duration = Duration::from_millis(254 * PROMISE_UNIT_MS);

    /// At least `time`, rounded up to 1.5 s, and never more than [`Self::LONGEST`].
    #[must_use]
    pub const fn of(time: Duration) -> Self {
        let units = time.as_millis().div_ceil(PROMISE_UNIT_MS as u128);
        #[expect(clippy::cast_possible_truncation, reason = "bounded just here")]
        if units < 1 {
            Self(1)
        } else if units > 254 {
            Self(254)
        } else {
            Self(units as u8)
        }
    }

    pub(super) fn units(self) -> u8 {
        self.0
    }
}

/// One sign of presence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Who was seen.
    pub visitor: VisitorId,
    /// The visitor's number.
    pub number: Number,
    /// How long ago, by the clock of the process that saw it.
    pub seen_ago: Duration,
    /// For how long, from then on, the visitor may be silent.
    pub promised: Promise,
}

/// What came of a flush of beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beaten {
    /// Written down; so many stand in line again who were absent or forgotten.
    Returned(u64),
    /// The room has another life: the beats mean nothing any more.
    OtherLife,
    /// There is no such room; if Redis has lost it, the beats count when it is back.
    NoRoom,
}

/// Promises of one chunk of places, as they stand in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromisedChunk {
    /// Places from `index * CHUNK_PLACES` on.
    pub index: u64,
    /// The next number that will be given.
    pub next: u64,
    clock_ms: u64,
    bytes: Vec<u8>,
}

/// The clock, the next number, the chunk's index, its bytes.
type RawPromises = (u64, u64, u64, Vec<u8>);

impl PromisedChunk {
    /// `None` when it is more than a chunk, lies where there are no places, or there is no next number.
    pub(super) fn parse((clock_ms, next, index, bytes): RawPromises) -> Option<Self> {
        let behind = index.checked_add(1)?.checked_mul(CHUNK_PLACES)?;
        let places = (bytes.len() / BYTES_A_PLACE) as u64;
        (next > 0 && places <= CHUNK_PLACES && behind <= MOST_PLACES).then_some(Self {
            index,
            next,
            clock_ms,
            bytes,
        })
    }

    /// The places whose visitors seem to have missed their promise, at most `most`.
    pub fn overdue(&self, most: usize) -> Vec<u64> {
        let first = self.index * CHUNK_PLACES;
        let promises = self.bytes.chunks_exact(BYTES_A_PLACE);
        let overdue = (first..).zip(promises).filter(|(_, bytes)| {
            let value = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            is_overdue(value, self.clock_ms)
        });
        overdue.map(|(place, _)| place).take(most).collect()
    }
}

/// As `is_present` of prelude.lua has it.
fn is_overdue(value: u32, clock_ms: u64) -> bool {
    let (seen, units) = (u64::from(value >> 8), value & 0xff);
    let clock = clock_ms / SEEN_UNIT_MS;
    let age = clock.wrapping_sub(seen) % SEEN_MODULUS;
    if value == 0 || units == ABSENT || age >= SEEN_MODULUS / 2 {
        return false;
    }
    let since_ms = age * SEEN_UNIT_MS + clock_ms % SEEN_UNIT_MS;
    since_ms > SEEN_UNIT_MS + u64::from(units) * PROMISE_UNIT_MS
}

/// How long ago somebody was seen, and the promise, as beat.lua unpacks them.
fn packed(beat: &Beat) -> [u8; 5] {
    let [a, b, c, d] = millis(beat.seen_ago).to_be_bytes();
    [a, b, c, d, beat.promised.units()]
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn no_such_life(answer: i64) -> Beaten {
    if answer == -1 {
        Beaten::OtherLife
    } else {
        Beaten::NoRoom
    }
}

impl Line {
    /// Writes down who was seen. Who was absent, or forgotten by Redis, stands in line again. At most 1,500 beats;
    /// none at all says only that `gatekeeper` lives.
    pub async fn beat(
        &self,
        life: u64,
        gatekeeper: &str,
        beats: &[Beat],
    ) -> Result<Beaten, StoreError> {
        let call = || {
            let call = self.call(&BEAT).arg(life).arg(gatekeeper);
            if beats.is_empty() {
                return call;
            }
            let call = call.arg(beats.iter().flat_map(packed).collect::<Vec<u8>>());
            beats.iter().fold(call, |call, beat| {
                call.arg(format!("#{}", self.place_of(beat.number)))
            })
        };
        match self.invoke_with_places(call).await? {
            Value::Int(negative) => Ok(no_such_life(negative)),
            answer => match from_redis_value::<Vec<usize>>(answer) {
                Ok(unknown) if unknown.is_empty() => Ok(Beaten::Returned(0)),
                Ok(unknown) => {
                    let unknown = unknown.iter().map(|index| beats.get(index.wrapping_sub(1)));
                    let unknown: Option<Vec<&Beat>> = unknown.collect();
                    let unknown = unknown.ok_or(unexpected("beat names nobody of the call"))?;
                    self.bring_back(life, &unknown).await
                }
                Err(_) => Err(unexpected("beat names no places")),
            },
        }
    }

    /// Puts those back in line who are absent, or forgotten by Redis, and may return.
    async fn bring_back(&self, life: u64, beats: &[&Beat]) -> Result<Beaten, StoreError> {
        let call = || {
            beats
                .iter()
                .fold(self.call(&RETURN).arg(life), |call, beat| {
                    call.arg(beat.visitor.as_str())
                        .arg(self.place_of(beat.number))
                        .arg(millis(beat.seen_ago))
                        .arg(beat.promised.units())
                })
        };
        let returned: i64 = self.invoke_with_places(call).await?;
        Ok(u64::try_from(returned).map_or_else(|_| no_such_life(returned), Beaten::Returned))
    }

    /// The promises of the chunk `index` of places, or of the first in line if that is a later one. `None` when nobody
    /// waits, or there is no such room.
    pub async fn promised(&self, index: u64) -> Result<Option<PromisedChunk>, StoreError> {
        let call = self.call(&PRESENCE).arg(index);
        let answer = self.redis.invoke::<Option<RawPromises>>(&call).await?;
        let Some(raw) = answer else {
            return Ok(None);
        };
        let chunk = PromisedChunk::parse(raw);
        chunk
            .map(Some)
            .ok_or_else(|| unexpected("presence answered something else"))
    }

    /// Takes those out of the line who stand at `places` and have missed their promise; at most 500. Returns how many.
    pub async fn sweep(&self, places: &[u64]) -> Result<u64, StoreError> {
        let call = places
            .iter()
            .fold(self.call(&SWEEP), |call, place| call.arg(*place));
        self.redis.invoke(&call).await
    }

    /// Gives up the places of absent visitors who can no longer come back, from place `from` on, looking at `most` of
    /// them. Returns how many, and where to go on; `None` at the end.
    pub async fn lapse(&self, from: u64, most: u64) -> Result<(u64, Option<u64>), StoreError> {
        let call = self.call(&LAPSE).arg(from).arg(most);
        let (lapsed, on): (u64, u64) = self.redis.invoke(&call).await?;
        if on != 0 && on <= from {
            return Err(unexpected("lapse does not get on"));
        }
        Ok((lapsed, (on != 0).then_some(on)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_rounded_up_and_bounded() {
        let units = |millis| Promise::of(Duration::from_millis(millis)).units();
        assert_eq!(
            (units(0), units(1), units(1_500), units(1_501)),
            (1, 1, 1, 2)
        );
        assert_eq!(
            (units(381_000), units(381_001), units(u64::MAX)),
            (254, 254, 254)
        );
    }

    #[test]
    fn who_is_overdue_is_found_and_who_is_absent_or_gone_is_not() {
        let value = |seen: u32, units: u32| (seen << 8 | units).to_be_bytes();
        let places = [value(0, 0), value(10, 2), value(20, 2), value(10, ABSENT)];
        let chunk = |clock_ms| PromisedChunk {
            clock_ms,
            next: 4,
            index: 1,
            bytes: places.concat(),
        };
        assert_eq!(chunk(8_500).overdue(9), [0_u64; 0]);
        assert_eq!(chunk(8_501).overdue(9), [CHUNK_PLACES + 1]);
        assert_eq!(
            chunk(99_000).overdue(9),
            [CHUNK_PLACES + 1, CHUNK_PLACES + 2]
        );
        assert_eq!(chunk(99_000).overdue(1), [CHUNK_PLACES + 1]);
        let around = SEEN_MODULUS * SEEN_UNIT_MS;
        assert_eq!(
            chunk(around + 8_501).overdue(9),
            [CHUNK_PLACES + 1],
            "after 97 days the same"
        );
    }
}
