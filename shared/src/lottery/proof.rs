//! What is published after a draw, and how anybody checks it.
//!
//! A text file: the first line is a [`Header`] as JSON, each further line a join in the order in which they were listed:
//! `<number> <place> <hash of the visitor>`.

mod entry;
mod verify;

use serde::{Deserialize, Serialize};

pub use self::entry::{Entry, InvalidEntry};
pub use self::verify::{Difference, Findings, Unreadable, verify};
use super::digest::Digest;
use crate::ids::RoomName;

/// The version of the format and of everything that is computed.
pub const FORMAT: &str = "onsale-lottery-1";

/// The first line of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// The room.
    pub room: RoomName,
    /// Its life.
    pub life: u64,
    /// What was shown before anybody joined: the hash of the secret.
    pub commitment: Digest,
    /// The secret, 64 hexadecimal digits.
    pub secret: Digest,
    /// Where the public value was to come from; absent when the value itself was named before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_source: Option<String>,
    /// The public value.
    pub public_value: String,
    /// How many joins the list has.
    pub joins: u64,
    /// The hash of the list.
    pub list: Digest,
    /// The data of the line was lost before the draw: the list has those who came back in time, in the order in which they did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub list_was_lost: bool,
    /// The seed.
    pub seed: Digest,
    /// How many places were drawn. Numbers that were never given, after a loss of data, have places, too.
    pub size: u64,
}
