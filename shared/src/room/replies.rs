//! What Redis answers, as if it were a stranger: for the fuzz target of `fuzz/`, and for the test that runs its corpus. Another
//! version of a script, or another program's data, must end in an error and not in a panic.

use redis::{FromRedisValue, Value, from_redis_value, parse_redis_value};

use super::presence::PromisedChunk;
use super::{changes, claim, join, look, lottery, memory, snapshot};
use crate::ids::RoomName;
use crate::lottery::Permutation;

const VALUES_A_CLAIM: usize = 4;

/// Gives one reply, as it is on the wire, to everything that takes a reply of a room's scripts apart. Returns who took it.
pub fn take_reply_apart(room: &RoomName, bytes: &[u8]) -> Vec<&'static str> {
    let Ok(value) = parse_redis_value(bytes) else {
        return Vec::new();
    };
    let readers = [
        ("snapshot", snapshot(&value)),
        ("join", read(&value).and_then(join::split).map(drop)),
        ("claim", claims(&value)),
        ("look", seen(&value)),
        ("presence", overdue(&value)),
        ("changes", changes(&value)),
        ("lottery", lottery(room, &value)),
        ("memory", read(&value).and_then(memory::parse).map(drop)),
    ];
    let took = readers.into_iter().filter(|(_, read)| read.is_some());
    took.map(|(name, _)| name).collect()
}

fn read<T: FromRedisValue>(value: &Value) -> Option<T> {
    from_redis_value(value.clone()).ok()
}

fn snapshot(value: &Value) -> Option<()> {
    let snapshot = read(value).and_then(snapshot::parse)?;
    let _ = (snapshot.head(), snapshot.since_promotion());
    if let Some(lottery) = snapshot.settings.lottery {
        let (seed, size) = (lottery.seed?, lottery.size?);
        let _ = Permutation::new(&seed, size).map(|places| places.place_of(1));
    }
    Some(())
}

fn claims(value: &Value) -> Option<()> {
    let values: Vec<Value> = read(value)?;
    let outcomes = values.chunks_exact(VALUES_A_CLAIM).map(claim::outcome);
    let outcomes: Vec<_> = outcomes.collect::<Option<_>>()?;
    (!outcomes.is_empty()).then_some(())
}

fn seen(value: &Value) -> Option<()> {
    let words: Vec<String> = read(value)?;
    let seen: Vec<_> = words
        .iter()
        .map(|word| look::seen(word))
        .collect::<Option<_>>()?;
    (!seen.is_empty()).then_some(())
}

fn overdue(value: &Value) -> Option<()> {
    let chunk = read(value).and_then(PromisedChunk::parse)?;
    chunk.overdue(usize::MAX);
    Some(())
}

fn changes(value: &Value) -> Option<()> {
    let entries: Vec<_> = read(value)?;
    let entries: Vec<_> = entries
        .into_iter()
        .map(changes::parse)
        .collect::<Option<_>>()?;
    (!entries.is_empty()).then_some(())
}

fn lottery(room: &RoomName, value: &Value) -> Option<()> {
    let raw = read(value).and_then(lottery::state::group)?;
    lottery::state::parse(room, raw).map(drop)
}
