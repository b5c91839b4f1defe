//! The lottery of a room: the steps by which those who joined before the opening get their places. What is computed is in
//! [`crate::lottery`], which says how it can be checked.
//!
//! `onsale:{R}:lottery` holds the secret, beside the data that it protects: the opening then needs nobody who could be late,
//! and whoever can read Redis could let themselves in anyway. Before the list is closed the secret alone tells nothing: the
//! seed hangs on the list, too, and, where only a source was named, on a value that nobody knows yet.

mod draw;
pub(super) mod state;

use std::sync::LazyLock;

use super::line::{Line, unexpected};
use super::script::room_script;
use crate::lottery::{Digest, Secret};
use crate::redis_handle::{Script, StoreError};

pub use self::draw::Moved;
pub use self::state::{JoinHashing, Lottery, LotteryState};

static COMMIT: LazyLock<Script> = room_script!("lottery_commit");
static VALUE: LazyLock<Script> = room_script!("lottery_value");

/// Most visitors who may have joined before the commitment: listing them takes one script some milliseconds.
const JOINED_BEFORE_MOST: u64 = 5_000;

/// The public part of a seed, fixed before anybody knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicPart {
    /// Where a value will come from that nobody knows yet.
    Source(String),
    /// The value itself.
    Value(String),
}

/// What came of a commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// The opening is a lottery, with this commitment.
    Done(Digest),
    /// It was one already.
    Already,
    /// There is no such room.
    NoRoom,
    /// The room is open, or over.
    NotScheduled,
    /// Too many have joined before.
    TooManyJoined,
}

/// What came of a public value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueSet {
    /// The draw is made with it.
    Done,
    /// The draw is made with another one.
    OtherValue,
    /// The room has no lottery.
    NoLottery,
    /// People may still join it.
    ListOpen,
}

impl Line {
    /// Makes the opening of a scheduled room a lottery.
    pub async fn commit_lottery(
        &self,
        secret: &Secret,
        public: &PublicPart,
    ) -> Result<Committed, StoreError> {
        let (source, value) = match public {
            PublicPart::Source(source) => (source.as_str(), ""),
            PublicPart::Value(value) => ("", value.as_str()),
        };
        let commitment = secret.commitment();
        let call = self
            .call(&COMMIT)
            .arg(commitment.to_string())
            .arg(secret.reveal())
            .arg(source)
            .arg(value)
            .arg(JOINED_BEFORE_MOST)
            .arg(self.author.as_str());
        match self.redis.invoke(&call).await? {
            1 => Ok(Committed::Done(commitment)),
            0 => Ok(Committed::Already),
            -1 => Ok(Committed::NoRoom),
            -2 => Ok(Committed::NotScheduled),
            -3 => Ok(Committed::TooManyJoined),
            _ => Err(unexpected("lottery_commit answered something else")),
        }
    }

    /// Says the public value of which only the source was named.
    pub async fn set_public_value(&self, value: &str) -> Result<ValueSet, StoreError> {
        let call = self.call(&VALUE).arg(value).arg(self.author.as_str());
        match self.redis.invoke(&call).await? {
            1 => Ok(ValueSet::Done),
            0 => Ok(ValueSet::OtherValue),
            -1 => Ok(ValueSet::NoLottery),
            -2 => Ok(ValueSet::ListOpen),
            _ => Err(unexpected("lottery_value answered something else")),
        }
    }
}
