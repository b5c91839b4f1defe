//! The shop behind a room: that it is well, and what it has left.
//!
//! `onsale:{R}:shop` is a hash: `healthy_at_ms`, the time of Redis at the last beat of an instance that was well; for each
//! performance `p:<id>` = `<sellable> <held>`; and whose turn it is to count. Without it the room leads to no shop.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use super::line::Line;
use super::script::room_script;
use crate::redis_handle::{Script, StoreError};

static BEAT: LazyLock<Script> = room_script!("shop_beat");
static COUNT: LazyLock<Script> = room_script!("shop_count");

/// A shop whose last good beat is older is busy; `SHOP_STALE_MS` of prelude.lua. Ten beats: no single one that is late matters.
pub const SHOP_STALE: Duration = Duration::from_secs(5);
/// How long a shop that does not beat at all is remembered, and keeps its room busy: nothing of it may stay for ever.
pub(super) const REMEMBERED_FOR: Duration = Duration::from_hours(24);
/// Most performances of one room that are told one by one; the rest is told as one, whose id is 0.
pub const SHOP_PERFORMANCES_MOST: usize = 200;

/// How one instance of the shop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShopBeat {
    /// Whether it can serve those who are let in.
    pub is_well: bool,
    /// The least time between two counts, over all instances; `None` when this one cannot count at present.
    pub count_every: Option<Duration>,
}

/// The order in which counts were asked for, so that a slow one never hides a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountTurn(u64);

/// What is left of one performance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeatsLeft {
    /// Its id.
    pub performance: i64,
    /// Seats that a hold could take at this moment.
    pub sellable: u64,
    /// Seats that are nobody's for certain: held, or being paid for.
    pub held: u64,
}

/// The shop as the line sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShopFacts {
    /// Performances that were counted.
    pub performances: u64,
    /// Seats of all of them that a hold could take.
    pub sellable: u64,
    /// Seats of all of them that may become sellable again.
    pub held: u64,
    /// Nobody should be sent there: no instance has been well for [`SHOP_STALE`].
    pub is_busy: bool,
}

impl ShopFacts {
    /// Reads the hash at `now_ms` of Redis' clock; `None` when there is no shop. What cannot be read counts as a seat that
    /// is held: sold out is told only when it is certain.
    pub fn parse(fields: &HashMap<String, String>, now_ms: i64) -> Option<Self> {
        let healthy_at_ms: i64 = fields.get("healthy_at_ms")?.parse().unwrap_or(0);
        let stale_ms = i64::try_from(SHOP_STALE.as_millis()).unwrap_or(i64::MAX);
        let mut facts = Self {
            performances: 0,
            sellable: 0,
            held: 0,
            is_busy: now_ms.saturating_sub(healthy_at_ms) > stale_ms,
        };
        let counts = fields.iter().filter(|(field, _)| field.starts_with("p:"));
        for (sellable, held) in counts.map(|(_, text)| read_count(text).unwrap_or((0, 1))) {
            facts.performances += 1;
            facts.sellable = facts.sellable.saturating_add(sellable);
            facts.held = facts.held.saturating_add(held);
        }
        Some(facts)
    }

    /// Seats that a hold could take; `None` before anything was counted.
    pub fn inventory(&self) -> Option<u64> {
        (self.performances > 0).then_some(self.sellable)
    }

    /// Nothing is left, and nothing that is held could come back.
    pub fn is_sold_out(&self) -> bool {
        self.performances > 0 && self.sellable == 0 && self.held == 0
    }
}

fn read_count(text: &str) -> Option<(u64, u64)> {
    let (sellable, held) = text.split_once(' ')?;
    Some((sellable.parse().ok()?, held.parse().ok()?))
}

impl Line {
    /// Says how one instance of the shop is; to be called about twice a second. The turn, when the caller is the one that
    /// should count now. A room that does not exist is left alone.
    pub async fn shop_beat(&self, beat: ShopBeat) -> Result<Option<CountTurn>, StoreError> {
        let every = beat.count_every.map(|every| every.as_millis().to_string());
        let call = self
            .call(&BEAT)
            .arg(u8::from(beat.is_well))
            .arg(every.unwrap_or_default())
            .arg(REMEMBERED_FOR.as_millis().to_string());
        let turn: u64 = self.redis.invoke(&call).await?;
        Ok((turn > 0).then_some(CountTurn(turn)))
    }

    /// Says what is left of all performances of the room. Whether it stands: a later count may be there.
    pub async fn shop_count(
        &self,
        turn: CountTurn,
        left: &[SeatsLeft],
    ) -> Result<bool, StoreError> {
        let call = self.call(&COUNT).arg(turn.0);
        let (told, rest) = left.split_at(left.len().min(SHOP_PERFORMANCES_MOST));
        let rest = (!rest.is_empty()).then(|| SeatsLeft {
            performance: 0,
            sellable: rest.iter().map(|seats| seats.sellable).sum(),
            held: rest.iter().map(|seats| seats.held).sum(),
        });
        let call = told.iter().chain(&rest).fold(call, |call, seats| {
            call.arg(seats.performance)
                .arg(seats.sellable)
                .arg(seats.held)
        });
        self.redis.invoke(&call).await
    }

    /// The room leads to no shop any more: its last performance is over.
    pub async fn shop_closed(&self) -> Result<(), StoreError> {
        let mut command = redis::cmd("UNLINK");
        command.arg(self.key("shop"));
        self.redis.query::<()>(&command).await
    }
}

#[cfg(test)]
mod tests;
