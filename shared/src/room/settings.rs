//! What operators set for a room, as it stands in the room's hash.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::lottery::Lottery;

/// The state of a room: `scheduled` → `open` ⇄ `paused` → `draining` → `closed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoomState {
    /// Opens at a time; joining is possible, nobody is admitted.
    Scheduled,
    /// Numbers go out, visitors come in.
    Open,
    /// Numbers go out, nobody is admitted.
    Paused,
    /// No new joins; the line goes on.
    Draining,
    /// Over.
    Closed,
}

impl RoomState {
    /// The state as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::Closed => "closed",
        }
    }

    /// Whether promotion goes on.
    pub fn admits(self) -> bool {
        matches!(self, Self::Open | Self::Draining)
    }
}

impl FromStr for RoomState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [
            Self::Scheduled,
            Self::Open,
            Self::Paused,
            Self::Draining,
            Self::Closed,
        ];
        let found = all.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no state of a room"))
    }
}

impl fmt::Display for RoomState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// In place of a capacity that an operator has taken away.
pub(super) const NO_BOUND: &str = "none";

/// The hash of a room, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Changed only by removing and creating the room.
    pub life: u64,
    /// Raised with every change of a setting.
    pub version: u64,
    /// What the room does at present.
    pub state: RoomState,
    /// The next number that will be given.
    pub next: u64,
    /// Admissions per second; `None` until an admitter or an operator sets it.
    pub rate_per_second: Option<f64>,
    /// Most visitors in the active set; `None` means no bound.
    pub capacity: Option<u64>,
    /// Whether visitors without a user token may join.
    pub anonymous: bool,
    /// When a scheduled room opens, milliseconds since 1970.
    pub opens_at_ms: Option<i64>,
    /// What the operator tells the line.
    pub message: Option<String>,
    /// The lottery by which it opens, or has opened.
    pub lottery: Option<Lottery>,
    /// Admissions since the room was made.
    pub admitted_total: u64,
    /// When an admitter last looked after the room, by the clock of Redis, milliseconds since 1970; `None` when none has yet.
    pub promoted_at_ms: Option<i64>,
}

impl Settings {
    /// Reads the hash; `None` when something in it cannot be what it should be.
    pub(super) fn parse(fields: &HashMap<String, String>) -> Option<Self> {
        /// An absent field is good, one that cannot be read is not.
        fn optional<T: FromStr>(text: Option<&String>) -> Result<Option<T>, T::Err> {
            text.map(|text| text.parse()).transpose()
        }
        let field = |name: &str| fields.get(name);
        Some(Self {
            life: field("life")?.parse().ok()?,
            version: field("version")?.parse().ok()?,
            state: field("state")?.parse().ok()?,
            next: field("next")?.parse().ok()?,
            rate_per_second: optional(field("rate")).ok()?,
            capacity: optional(field("capacity").filter(|text| *text != NO_BOUND)).ok()?,
            anonymous: field("anonymous").is_some_and(|flag| flag == "1"),
            opens_at_ms: optional(field("opens_at_ms")).ok()?,
            message: field("message").cloned(),
            lottery: match field("lottery_commitment") {
                Some(commitment) => Some(Lottery {
                    commitment: commitment.parse().ok()?,
                    public_source: field("lottery_source").cloned(),
                    public_value: field("lottery_value").cloned(),
                    size: optional(field("lottery_size")).ok()?,
                    list: optional(field("lottery_list")).ok()?,
                    seed: optional(field("lottery_seed")).ok()?,
                }),
                None => None,
            },
            admitted_total: optional(field("admitted_total")).ok()?.unwrap_or(0),
            promoted_at_ms: optional(field("bucket_at_ms")).ok()?,
        })
    }
}

/// The settings with which a room is made. What is `None` may be filled in by an admitter's defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewRoom {
    /// Admissions per second, not negative.
    pub rate_per_second: Option<f64>,
    /// Most visitors in the active set.
    pub capacity: Option<u64>,
    /// Whether visitors without a user token may join.
    pub anonymous: bool,
    /// When it opens, milliseconds since 1970; `None` opens it at once.
    pub opens_at_ms: Option<i64>,
    /// How long an admission may stay unclaimed, milliseconds.
    pub claim_ttl_ms: Option<u64>,
    /// How long a claimed admission lasts unless a hold stretches it, milliseconds.
    pub admission_ttl_ms: Option<u64>,
    /// For how long after the last beat an absent visitor may come back, milliseconds.
    pub late_return_ms: Option<u64>,
    /// The same after the visitor's turn, whichever is later.
    pub after_turn_ms: Option<u64>,
}

impl NewRoom {
    /// The fields of the hash, as `create.lua` wants them.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let state = if self.opens_at_ms.is_some() {
            RoomState::Scheduled
        } else {
            RoomState::Open
        };
        let mut fields = vec![("state", state.to_string())];
        let mut add = |name, value: Option<String>| fields.extend(value.map(|value| (name, value)));
        add("rate", self.rate_per_second.map(|rate| rate.to_string()));
        add(
            "capacity",
            self.capacity.map(|capacity| capacity.to_string()),
        );
        add("anonymous", self.anonymous.then(|| "1".to_owned()));
        add("opens_at_ms", self.opens_at_ms.map(|at| at.to_string()));
        add("claim_ttl_ms", self.claim_ttl_ms.map(|ttl| ttl.to_string()));
        add(
            "admission_ttl_ms",
            self.admission_ttl_ms.map(|ttl| ttl.to_string()),
        );
        add(
            "late_return_ms",
            self.late_return_ms.map(|time| time.to_string()),
        );
        add(
            "after_turn_ms",
            self.after_turn_ms.map(|time| time.to_string()),
        );
        fields
    }
}
