//! Joining: a number for each visitor.

use std::sync::LazyLock;

use redis::Value;

use super::line::{Line, unexpected};
use super::presence::Promise;
use super::script::room_script;
use crate::ids::{Number, VisitorId};
use crate::redis_handle::{Script, StoreError};

static JOIN: LazyLock<Script> = room_script!("join");

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
}

impl Line {
    /// Gives each visitor a number, in the order given; each is expected to beat within `promised`. `None` when
    /// there is no such room.
    pub async fn join(
        &self,
        visitors: &[VisitorId],
        promised: Promise,
    ) -> Result<Option<JoinedAll>, StoreError> {
        let call = || {
            let call = self.call(&JOIN).arg(promised.units());
            visitors
                .iter()
                .fold(call, |call, visitor| call.arg(visitor.as_str()))
        };
        let Some((life, figures)) = self
            .invoke_with_places::<Option<Vec<Value>>>(call)
            .await?
            .and_then(split)
        else {
            return Ok(None);
        };
        let pairs = figures.chunks_exact(2);
        let joined: Vec<Joined> = pairs.map(|pair| self.joined(pair[0], pair[1])).collect();
        if joined.len() != visitors.len() {
            return Err(unexpected("join answered for another number of visitors"));
        }
        Ok(Some(JoinedAll {
            life,
            visitors: joined,
        }))
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

fn split(answer: Vec<Value>) -> Option<(u64, Vec<u64>)> {
    let mut values = answer.into_iter();
    let life = redis::from_redis_value::<u64>(values.next()?).ok()?;
    let figures = values.map(|value| redis::from_redis_value::<u64>(value).ok());
    Some((life, figures.collect::<Option<_>>()?))
}
