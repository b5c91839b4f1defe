//! Claiming: what has become of a visitor whose turn seems to have come.

use std::sync::LazyLock;
use std::time::Duration;

use super::line::{Line, unexpected};
use super::presence::Promise;
use super::script::room_script;
use crate::ids::{Jti, Number, VisitorId};
use crate::redis_handle::{Script, StoreError};

static CLAIM: LazyLock<Script> = room_script!("claim");

/// How long a claimed admission lasts where the room does not say: time to choose seats; a hold stretches it.
const ADMISSION_LASTS: Duration = Duration::from_secs(600);

/// What somebody who comes back by a claim promises; the poll that claims sends the true beat after it.
const BEAT_OF_A_CLAIM: Promise = Promise::of(Duration::from_secs(6));

/// Whose turn may have come, from a waiting token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The visitor.
    pub visitor: VisitorId,
    /// The visitor's number.
    pub number: Number,
    /// The life of the room to which the token belongs.
    pub life: u64,
}

/// An admission as Redis knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Its id; all claims of it get the same one.
    pub jti: Jti,
    /// When the visitor was let in, by the clock of Redis, milliseconds since 1970.
    pub since_ms: i64,
    /// Until when it lasts, milliseconds since 1970.
    pub until_ms: i64,
}

/// What has become of a visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// Let in.
    Admitted(Admission),
    /// Still in the line.
    Waiting,
    /// Gave the place or the slot up.
    Left,
    /// Has what it came for.
    Finished,
    /// Did not come in time.
    Lapsed,
    /// The room is not the one for which the token was signed.
    Void,
}

impl Line {
    /// One outcome for each request, in their order. Claiming again changes nothing.
    pub async fn claim(&self, requests: &[ClaimRequest]) -> Result<Vec<ClaimOutcome>, StoreError> {
        let call = || {
            let call = self
                .call(&CLAIM)
                .arg(ADMISSION_LASTS.as_millis().to_string())
                .arg(BEAT_OF_A_CLAIM.units());
            requests.iter().fold(call, |call, request| {
                call.arg(request.life)
                    .arg(request.visitor.as_str())
                    .arg(self.place_of(request.number))
                    .arg(Jti::mint().to_string())
            })
        };
        let flat: Vec<redis::Value> = self.invoke_with_places(call).await?;
        let outcomes: Option<Vec<_>> = flat.chunks_exact(4).map(outcome).collect();
        match outcomes {
            Some(outcomes) if outcomes.len() == requests.len() => Ok(outcomes),
            _ => Err(unexpected("claim answered something else")),
        }
    }
}

pub(super) fn outcome(values: &[redis::Value]) -> Option<ClaimOutcome> {
    let word: String = redis::from_redis_value(values[0].clone()).ok()?;
    Some(match word.as_str() {
        "admitted" => {
            let jti: String = redis::from_redis_value(values[1].clone()).ok()?;
            ClaimOutcome::Admitted(Admission {
                jti: jti.parse().ok()?,
                since_ms: redis::from_redis_value(values[2].clone()).ok()?,
                until_ms: redis::from_redis_value(values[3].clone()).ok()?,
            })
        }
        "waiting" => ClaimOutcome::Waiting,
        "left" => ClaimOutcome::Left,
        "finished" => ClaimOutcome::Finished,
        "lapsed" => ClaimOutcome::Lapsed,
        "void" => ClaimOutcome::Void,
        _ => return None,
    })
}
