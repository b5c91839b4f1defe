//! Numbers and places. Visitors and their tokens know numbers, Redis knows places; they differ where a lottery has drawn.
//!
//! Every [`Line`] knows the places that it has seen drawn. A script that is told places refuses those of another draw, or of
//! none, by the error `DRAWN`; then they are learned and the call is made once more.

use std::sync::Arc;

use redis::FromRedisValue;

use super::line::{Line, unexpected};
use super::settings::Settings;
use crate::ids::Number;
use crate::lottery::{Digest, Permutation};
use crate::redis_handle::{Call, StoreError};

const DRAWN: &str = "DRAWN";
const NO_ROOM: &str = "NOROOM";

/// What a script `answered` that may refuse a room that is not there: that refusal by its name, [`StoreError::NoRoom`].
pub(super) fn named<T>(answered: Result<T, StoreError>) -> Result<T, StoreError> {
    match answered {
        Err(StoreError::Refused(error)) if error.code() == Some(NO_ROOM) => Err(StoreError::NoRoom),
        answered => answered,
    }
}

impl Line {
    /// The place of somebody's number, by which Redis knows everything.
    pub fn place_of(&self, number: Number) -> u64 {
        place_of(self.places.load().as_deref(), number)
    }

    /// The number of whoever has a place.
    pub(super) fn number_of(&self, place: u64) -> Number {
        let places = self.places.load();
        Number(
            places
                .as_ref()
                .map_or(place, |places| places.number_of(place)),
        )
    }

    /// Runs a script that is told places, or tells them; again when they have been drawn meanwhile. Scripts that are about
    /// one visitor refuse a room that is not there, as [`StoreError::NoRoom`].
    pub(super) async fn invoke_with_places<T: FromRedisValue>(
        &self,
        call: impl Fn() -> Call<'static>,
    ) -> Result<T, StoreError> {
        let mut answered = self.redis.invoke(&call()).await;
        if matches!(&answered, Err(StoreError::Refused(error)) if error.code() == Some(DRAWN)) {
            self.ask_for_places().await?;
            answered = self.redis.invoke(&call()).await;
        }
        named(answered)
    }

    async fn ask_for_places(&self) -> Result<(), StoreError> {
        let mut read = redis::cmd("HMGET");
        read.arg(self.key("room"))
            .arg("lottery_seed")
            .arg("lottery_size");
        let (seed, size): (Option<String>, Option<u64>) = self.redis.query(&read).await?;
        let seed = seed.map(|seed| seed.parse()).transpose();
        let seed = seed.or(Err(unexpected("the seed of the lottery cannot be read")))?;
        self.learn(seed.zip(size)).map(drop)
    }

    /// Takes over what the room's settings say. The places drawn; `None` where place and number are the same.
    pub(super) fn learn_places(
        &self,
        settings: &Settings,
    ) -> Result<Option<Arc<Permutation>>, StoreError> {
        let lottery = settings.lottery.as_ref();
        self.learn(lottery.and_then(|lottery| lottery.seed.zip(lottery.size)))
    }

    fn learn(&self, drawn: Option<(Digest, u64)>) -> Result<Option<Arc<Permutation>>, StoreError> {
        let known = self.places.load_full();
        if known.as_ref().map(|known| (*known.seed(), known.size())) == drawn {
            return Ok(known);
        }
        let places = match drawn {
            Some((seed, size)) => {
                let places = Permutation::new(&seed, size);
                Some(Arc::new(places.ok_or_else(|| {
                    unexpected("more places than can be drawn")
                })?))
            }
            None => None,
        };
        self.places.store(places.clone());
        Ok(places)
    }
}

/// The place of a number, where `places` were drawn, or where it is the number itself.
pub(super) fn place_of(places: Option<&Permutation>, number: Number) -> u64 {
    places.map_or(number.0, |places| places.place_of(number.0))
}
