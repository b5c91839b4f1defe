//! How far a lottery is, and the list of those who take part.

use std::sync::LazyLock;

use crate::ids::{RoomName, VisitorId};
use crate::lottery::{Digest, JoinList, Secret, visitor_hash};
use crate::redis_handle::{Script, StoreError};
use crate::room::line::{Line, unexpected};
use crate::room::script::room_script;
use crate::room::settings::RoomState;

static READ: LazyLock<Script> = room_script!("lottery_read");
static HASHED: LazyLock<Script> = room_script!("lottery_hashed");
static PUBLISH: LazyLock<Script> = room_script!("lottery_publish");

/// Joins that are read at once: some 100 kB.
const JOINS_AT_ONCE: u64 = 1_000;

/// A lottery as everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lottery {
    /// The hash of the secret.
    pub commitment: Digest,
    /// Where the public value comes from, unless it was named at once.
    pub public_source: Option<String>,
    /// The public value, once it is known.
    pub public_value: Option<String>,
    /// How many numbers take part, once the list is closed.
    pub size: Option<u64>,
    /// The hash of the closed list, from before the public value is known where only its source was named.
    pub list: Option<Digest>,
    /// The seed, once the places are drawn.
    pub seed: Option<Digest>,
}

/// A lottery as admitters see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotteryState {
    /// What everybody may see.
    pub public: Lottery,
    /// What the room does at present.
    pub room: RoomState,
    /// The room's life.
    pub life: u64,
    /// How long until it opens, milliseconds; not positive when it is time.
    pub opens_in_ms: i64,
    /// The secret; `None` after a loss of Redis' data, until somebody who remembers it gives it back.
    pub secret: Option<Secret>,
    /// How many joins are hashed, and their chain.
    pub hashed: JoinList,
    /// How many joins there are.
    pub joins: u64,
    /// Redis has lost the list before the draw; it has those who came back since.
    pub list_was_lost: bool,
    /// How many places have been moved out of the lobby and how many are to be; `None` before and after.
    pub moving: Option<(u64, u64)>,
}

/// What came of hashing a few joins more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinHashing {
    /// There is nothing more to hash.
    Complete,
    /// More may follow.
    Goes,
}

pub(in crate::room) type Raw = (
    (String, String, i64, u64, String),
    (String, String, String, String, String, String),
    (String, u64, String, u64, bool),
);

impl Line {
    /// How far the lottery of the room is; `None` when it has none.
    pub async fn lottery(&self) -> Result<Option<LotteryState>, StoreError> {
        let answer: Option<redis::Value> = self.redis.invoke(&self.call(&READ)).await?;
        let Some(answer) = answer else {
            return Ok(None);
        };
        let unreadable = || unexpected("lottery_read answered something else");
        let values: Vec<redis::Value> = redis::from_redis_value(answer).or(Err(unreadable()))?;
        let raw = group(values).ok_or_else(unreadable)?;
        parse(self.room(), raw).map(Some).ok_or_else(unreadable)
    }

    /// Up to 1,000 joins of the list, from the one with index `from`: number and visitor of each, in order.
    pub async fn listed_joins(&self, from: u64) -> Result<Vec<(u64, VisitorId)>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        range
            .arg(self.key("joins"))
            .arg(from)
            .arg(from + JOINS_AT_ONCE - 1);
        let joins: Vec<String> = self.redis.query(&range).await?;
        let parsed = joins.iter().map(|join| {
            let (number, visitor) = join.split_once(' ')?;
            Some((number.parse().ok()?, visitor.parse().ok()?))
        });
        let parsed: Option<Vec<_>> = parsed.collect();
        parsed.ok_or_else(|| unexpected("a listed join cannot be read"))
    }

    /// Hashes the next joins of the list ahead, so that the opening finds little left to do.
    pub async fn hash_joins(&self, state: &LotteryState) -> Result<JoinHashing, StoreError> {
        let before = state.hashed;
        if before.joins() >= state.joins {
            return Ok(JoinHashing::Complete);
        }
        let mut list = before;
        let joins = self.listed_joins(before.joins()).await?;
        if joins.is_empty() {
            // Lost or removed since: there is nothing to take down.
            return Ok(JoinHashing::Goes);
        }
        for (number, visitor) in joins {
            list.add(number, &visitor_hash(self.room(), state.life, &visitor));
        }
        let call = self
            .call(&HASHED)
            .arg(before.joins())
            .arg(list.joins())
            .arg(list.hash().to_string());
        self.redis.invoke::<u8>(&call).await?;
        Ok(JoinHashing::Goes)
    }

    /// Lets everybody see the hash of the closed list: what was listed cannot be changed afterwards. Whether it is shown;
    /// not before all joins are hashed.
    pub async fn publish_list(&self, state: &LotteryState) -> Result<bool, StoreError> {
        let call = self
            .call(&PUBLISH)
            .arg(state.hashed.hash().to_string())
            .arg(state.hashed.joins());
        self.redis.invoke(&call).await
    }

    /// Gives a secret back that Redis has lost.
    pub async fn restore_secret(&self, secret: &Secret) -> Result<(), StoreError> {
        let mut set = redis::cmd("HSETNX");
        set.arg(self.key("lottery"))
            .arg("secret")
            .arg(secret.reveal());
        self.redis.query::<()>(&set).await
    }
}

pub(in crate::room) fn parse(room: &RoomName, raw: Raw) -> Option<LotteryState> {
    let (
        (state, opens_at, now, life, commitment),
        (source, value, size, seed, moved, move_to),
        own,
    ) = raw;
    let (secret, hashed, chain, joins, list_was_lost) = own;
    let text = |text: String| (!text.is_empty()).then_some(text);
    let hashed = match text(chain) {
        Some(chain) => JoinList::resume(chain.parse().ok()?, hashed),
        None => JoinList::new(room, life),
    };
    let number = |digits: String| {
        text(digits)
            .map(|digits| digits.parse::<u64>())
            .transpose()
            .ok()
    };
    Some(LotteryState {
        public: Lottery {
            commitment: commitment.parse().ok()?,
            public_source: text(source),
            public_value: text(value),
            size: number(size)?,
            // Admitters have the list itself.
            list: None,
            seed: text(seed).map(|seed| seed.parse()).transpose().ok()?,
        },
        room: state.parse().ok()?,
        life,
        opens_in_ms: text(opens_at)
            .map_or(Some(0), |at| at.parse::<i64>().ok())?
            .saturating_sub(now),
        secret: text(secret).map(|secret| secret.parse()).transpose().ok()?,
        hashed,
        joins,
        list_was_lost,
        moving: number(moved)?.zip(number(move_to)?),
    })
}

pub(in crate::room) fn group(values: Vec<redis::Value>) -> Option<Raw> {
    let values: [redis::Value; 16] = values.try_into().ok()?;
    let [
        state,
        opens_at,
        now,
        life,
        commitment,
        source,
        value,
        size,
        seed,
        moved,
        move_to,
        secret,
        hashed,
        chain,
        joins,
        list_was_lost,
    ] = values;
    Some((
        (
            read(state)?,
            read(opens_at)?,
            read(now)?,
            read(life)?,
            read(commitment)?,
        ),
        (
            read(source)?,
            read(value)?,
            read(size)?,
            read(seed)?,
            read(moved)?,
            read(move_to)?,
        ),
        (
            read(secret)?,
            read(hashed)?,
            read(chain)?,
            read(joins)?,
            read(list_was_lost)?,
        ),
    ))
}

fn read<T: redis::FromRedisValue>(value: redis::Value) -> Option<T> {
    redis::from_redis_value(value).ok()
}
