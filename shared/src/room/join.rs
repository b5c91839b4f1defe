//! Joining: a number for each visitor.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Value;

use super::line::{Line, unexpected};
use super::presence::Promise;
use super::script::room_script;
use crate::ids::{Number, VisitorId};
use crate::redis_handle::{Script, StoreError};

static JOIN: LazyLock<Script> = room_script!("join");

/// A replica is given so long to take a batch of numbers over; they are given out all the same. It is a part of the
/// deadline of one call.
const REPLICATED_WITHIN: Duration = Duration::from_millis(100);

/// What one visitor got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// A number given just now.
    New(Number),
    /// The live number that the visitor had already.
    Again(Number),
    /// The room takes nobody any more.
    Refused,
}

/// What visitors that joined together got, in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedAll {
    /// The life of the room, which belongs into every token.
    pub life: u64,
    /// One for each visitor.
    pub visitors: Vec<Joined>,
    /// Whether a replica has them.
    pub is_replicated: bool,
}

impl Line {
    /// Gives each visitor a number, in the order given; each is expected to beat within `promised`.
    ///
    /// Where Redis has replicas, one has the numbers before they are told, so that a failover does not forget them. That
    /// holds up other calls of the connection.
    pub async fn join(
        &self,
        visitors: &[VisitorId],
        promised: Promise,
    ) -> Result<JoinedAll, StoreError> {
        let (known_life, known_next) = self.given.known();
        let call = || {
            let call = self.call(&JOIN).arg(promised.units());
            let call = call.arg(known_life).arg(known_next);
            visitors
                .iter()
                .fold(call, |call, visitor| call.arg(visitor.as_str()))
        };
        if visitors.is_empty() {
            return Err(unexpected("nobody joins"));
        }
        let answer: Vec<Value> = self.invoke_with_places(call).await?;
        let Some((life, has_replica, figures)) = split(answer) else {
            return Err(unexpected("join answered something else"));
        };
        let is_replicated = has_replica && self.until_replicated().await?;
        let pairs = figures.chunks_exact(2);
        let joined: Vec<Joined> = pairs.map(|pair| self.joined(pair[0], pair[1])).collect();
        if joined.len() != visitors.len() {
            return Err(unexpected("join answered for another number of visitors"));
        }
        let numbers = joined.iter().filter_map(|joined| match joined {
            Joined::New(number) => Some(number.0),
            Joined::Again(_) | Joined::Refused => None,
        });
        if let Some(highest) = numbers.max() {
            self.given.see(life, highest.saturating_add(1));
        }
        Ok(JoinedAll {
            life,
            visitors: joined,
            is_replicated,
        })
    }

    async fn until_replicated(&self) -> Result<bool, StoreError> {
        let room = self.key("room");
        let replicated = match self.redis.wait_replicated(room, REPLICATED_WITHIN).await {
            Err(StoreError::Deadline(_)) => false,
            answered => answered?,
        };
        if !replicated {
            // The tokens bring these numbers back; without a replica a sale would have to stop.
            metrics::counter!("onsale_joins_unreplicated_total").increment(1);
        }
        Ok(replicated)
    }

    /// What `join.lua` says of one visitor: a place, or for somebody in the lobby of a lottery the number.
    fn joined(&self, value: u64, kind: u64) -> Joined {
        match (value, kind) {
            (0, _) => Joined::Refused,
            (place, 0) => Joined::Again(self.number_of(place)),
            (place, 1) => Joined::New(self.number_of(place)),
            (number, _) => Joined::Again(Number(number)),
        }
    }
}

pub(super) fn split(answer: Vec<Value>) -> Option<(u64, bool, Vec<u64>)> {
    let mut values = answer
        .into_iter()
        .map(|value| redis::from_redis_value::<u64>(value).ok());
    let (life, has_replica) = (values.next()??, values.next()?? == 1);
    Some((life, has_replica, values.collect::<Option<_>>()?))
}
