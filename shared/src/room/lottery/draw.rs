//! The opening: the list is closed, the seed is written, and everybody is taken to the place that was drawn.

use std::sync::LazyLock;

use super::state::LotteryState;
use crate::lottery::{Permutation, seed_of};
use crate::redis_handle::{Script, StoreError};
use crate::room::line::{Line, unexpected};
use crate::room::script::room_script;

static CLOSE: LazyLock<Script> = room_script!("lottery_close");
static DRAW: LazyLock<Script> = room_script!("lottery_draw");
static MOVE: LazyLock<Script> = room_script!("lottery_move");

/// Places of one call: about three milliseconds of Redis on a slow core, in which nobody else is answered, and more while
/// it rewrites its file.
const PLACES_AT_ONCE: u64 = 100;

/// How far the move out of the lobby is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Everybody up to this place stands in line, or has gone.
    UpTo(u64),
    /// Nobody is left in the lobby.
    All,
}

impl Line {
    /// Closes the list of joins, when it is time to open. Returns whether it is closed.
    pub async fn close_lottery(&self) -> Result<bool, StoreError> {
        self.redis.invoke(&self.call(&CLOSE)).await
    }

    /// Draws the places and opens the room, when everything is known: the hash of the closed list is published, and secret and
    /// public value are there. Returns whether the places are drawn.
    pub async fn draw(&self, state: &LotteryState) -> Result<bool, StoreError> {
        let public = &state.public;
        let (Some(secret), Some(size), Some(value)) =
            (&state.secret, public.size, &public.public_value)
        else {
            return Ok(false);
        };
        let seed = seed_of(secret, &state.hashed.hash(), size, value);
        let call = self
            .call(&DRAW)
            .arg(seed.to_string())
            .arg(state.hashed.hash().to_string())
            .arg(self.author.as_str());
        self.redis.invoke(&call).await
    }

    /// Takes the next visitors behind place `moved` from the lobby to their places. Safe to repeat, and for several at once.
    pub async fn move_from_lobby(
        &self,
        places: &Permutation,
        moved: u64,
    ) -> Result<Moved, StoreError> {
        let call = self.call(&MOVE).arg(moved + 1);
        let next = moved + 1..=moved + PLACES_AT_ONCE;
        let call = next.fold(call, |call, place| call.arg(places.number_of(place)));
        let (moved, move_to): (u64, u64) = self.redis.invoke(&call).await?;
        match (moved, move_to) {
            (0, 0) => Ok(Moved::All),
            (moved, move_to) if moved <= move_to => Ok(Moved::UpTo(moved)),
            _ => Err(unexpected("lottery_move answered something else")),
        }
    }
}
