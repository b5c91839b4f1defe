//! The waiting room's data in Redis, and the scripts that change it. One script is one atomic step.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `onsale:rooms` | set | names of all rooms |
//! | `onsale:{R}:room` | hash | settings, `life`, `next` number to give, token bucket |
//! | `onsale:{R}:waiting` | sorted set | visitor → place: the line itself |
//! | `onsale:{R}:active` | sorted set | visitor → claim or end by, ms: the active set |
//! | `onsale:{R}:admissions` | hash | visitor → number, when let in, jti, until when |
//! | `onsale:{R}:ended` | sorted set | jti → end of its token, ms: admissions that ended early |
//! | `onsale:{R}:departed` | bitmap | bit p = 1 ⇔ place p was given out and is not in `waiting` |
//! | `onsale:{R}:departed_versions` | hash | chunk of the bitmap → how often it changed |
//! | `onsale:{R}:outcomes` | string | two bits by number: why it is over |
//! | `onsale:{R}:removed` | string | when the room was removed, ms; kept for as long as tokens of it may live |
//!
//! The braces are a hash tag: all keys of a room are on one slot of a Cluster, rooms spread over its nodes.
//! The number orders the line; what a place would add to it comes with a lottery.

mod admission;
mod change;
mod claim;
mod create;
mod join;
mod keys;
mod leave;
mod line;
mod promote;
mod registry;
mod script;
mod settings;
mod snapshot;

pub use self::admission::AdmissionCheck;
pub use self::change::{Change, Transition};
pub use self::claim::{Admission, ClaimOutcome, ClaimRequest};
pub use self::join::{Joined, JoinedAll};
pub use self::leave::Leaver;
pub use self::line::Line;
pub use self::promote::{Promoted, PromotionLimits};
pub use self::registry::Registry;
pub use self::settings::{NewRoom, RoomState, Settings};
pub use self::snapshot::{CHUNK_PLACES, ChunkVersion, RoomSnapshot, SnapshotChunk};
