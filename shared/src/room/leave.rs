//! Leaving, by oneself or by an operator's hand.

use std::sync::LazyLock;

use super::line::{Line, unexpected};
use super::script::room_script;
use crate::ids::{Number, VisitorId};
use crate::redis_handle::{Script, StoreError};

static LEAVE: LazyLock<Script> = room_script!("leave");

/// Who leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// The visitor.
    pub visitor: VisitorId,
    /// The number given up.
    pub number: Number,
    /// The life of the room to which the token belongs.
    pub life: u64,
}

impl Line {
    /// Frees the place or the slot of each. Says of each whether there was something to leave.
    pub async fn leave(&self, leavers: &[Leaver]) -> Result<Vec<bool>, StoreError> {
        let call = || {
            let call = self.call(&LEAVE).arg("");
            leavers.iter().fold(call, |call, leaver| {
                call.arg(leaver.life)
                    .arg(leaver.visitor.as_str())
                    .arg(self.place_of(leaver.number))
                    .arg(leaver.number.0)
            })
        };
        let left: Vec<bool> = self.invoke_with_places(call).await?;
        if left.len() == leavers.len() {
            Ok(left)
        } else {
            Err(unexpected("leave answered for others"))
        }
    }

    /// Frees whatever the visitor has in the room, and logs it. Returns whether there was something.
    pub async fn evict(&self, visitor: &VisitorId) -> Result<bool, StoreError> {
        let evict = || {
            let call = self.call(&LEAVE).arg(self.author.as_str());
            call.arg("").arg(visitor.as_str())
        };
        let call = || evict().arg("").arg("");
        match *self.invoke_with_places::<Vec<i64>>(call).await? {
            // In the lobby of a lottery, where Redis knows the number alone.
            [number @ ..0] => {
                let number = Number(number.unsigned_abs());
                let call = || evict().arg(self.place_of(number)).arg(number.0);
                Ok(self.invoke_with_places::<Vec<i64>>(call).await? == [1])
            }
            [left] => Ok(left == 1),
            _ => Err(unexpected("leave answered for others")),
        }
    }
}
