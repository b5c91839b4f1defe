//! Looking: what has become of a visitor, told without claiming anything for them.

use std::sync::LazyLock;

use super::claim::ClaimRequest;
use super::line::{Line, unexpected};
use super::script::room_script;
use crate::redis_handle::{Script, StoreError};

static LOOK: LazyLock<Script> = room_script!("look");

/// What has become of a visitor, as far as can be seen without a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Let in; a claim gives the admission.
    Admitted,
    /// In the line.
    Waiting,
    /// Gave the place or the slot up.
    Left,
    /// Has what it came for.
    Finished,
    /// Did not come in time.
    Lapsed,
    /// Neither in the line nor over: a claim may put the visitor back.
    Unknown,
    /// The room is not the one for which the token was signed.
    Void,
}

impl Line {
    /// What is to be seen of each visitor, in their order. Changes nothing.
    pub async fn look(&self, requests: &[ClaimRequest]) -> Result<Vec<Seen>, StoreError> {
        let call = || {
            requests.iter().fold(self.call(&LOOK), |call, request| {
                call.arg(request.life)
                    .arg(request.visitor.as_str())
                    .arg(self.place_of(request.number))
            })
        };
        let words: Vec<String> = self.invoke_with_places(call).await?;
        let seen: Option<Vec<_>> = words.iter().map(|word| seen(word)).collect();
        match seen {
            Some(seen) if seen.len() == requests.len() => Ok(seen),
            _ => Err(unexpected("look answered something else")),
        }
    }
}

pub(super) fn seen(word: &str) -> Option<Seen> {
    Some(match word {
        "admitted" => Seen::Admitted,
        "waiting" => Seen::Waiting,
        "left" => Seen::Left,
        "finished" => Seen::Finished,
        "lapsed" => Seen::Lapsed,
        "unknown" => Seen::Unknown,
        "void" => Seen::Void,
        _ => return None,
    })
}
