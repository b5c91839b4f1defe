//! The waiting room's data in Redis, and the scripts that change it. One script is one atomic step.
//!
//! | key | type | holds |
//! |---|---|---|
//! | `onsale:rooms` | set | names of all rooms |
//! | `onsale:{R}:room` | hash | settings, `life`, `next` number to give, token bucket |
//! | `onsale:{R}:waiting` | sorted set | visitor → place: the line itself |
//! | `onsale:{R}:active` | sorted set | visitor → claim or end by, ms: the active set |
//! | `onsale:{R}:admissions` | hash | visitor → number, when let in, jti, until when |
//! | `onsale:{R}:ended` | sorted set | jti → end of its token, ms: admissions that ended early; after a loss also `visitor V` → until when V's other tokens may live |
//! | `onsale:{R}:departed` | bitmap | bit p = 1 ⇔ place p was given out and is not in `waiting` |
//! | `onsale:{R}:departed_versions` | hash | chunk of the bitmap → how often it changed |
//! | `onsale:{R}:outcomes` | string | four bits by place: let in, or why it is over |
//! | `onsale:{R}:outcome_versions` | hash | chunk of the outcomes → how often it changed |
//! | `onsale:{R}:promised` | string | four bytes by place: when last seen, and for how long the next beat was promised |
//! | `onsale:{R}:absent` | sorted set | visitor → place: who missed the promise and may still come back |
//! | `onsale:{R}:missed` | set | visitors who were let in and did not claim, once |
//! | `onsale:{R}:turns` | sorted set | second of the presence clock → how far promotion had come |
//! | `onsale:{R}:gatekeepers` | sorted set | gatekeeper → when it last flushed its beats, ms |
//! | `onsale:{R}:shop` | hash | when the shop was last well, what it has left of each performance |
//! | `onsale:{R}:bids` | hash | process → how new its memory of a lost room is, for the moment in which it is written back |
//! | `onsale:{R}:lottery` | hash | the secret of the lottery, and how far its list is hashed |
//! | `onsale:{R}:joins` | list | number and visitor of each who joined before a lottery |
//! | `onsale:{R}:lobby` | sorted set | visitor → number, from the draw until everybody is at the place drawn |
//! | `onsale:{R}:lobby_absent`, `…:lobby_promised`, `…:lobby_outcomes` | | what was known by number until the draw |
//! | `onsale:{R}:reporter` | string | the admitter that shows the room's gauges, for some seconds |
//! | `onsale:{R}:removed` | string | when the room was removed, ms; kept for as long as tokens of it may live |
//! | `onsale:{R}:changes` | stream | who changed what, the last ten thousand; kept for a month after the room was removed |
//!
//! The braces are a hash tag: all keys of a room are on one slot of a Cluster, rooms spread over its nodes.
//! Everything is by place, which orders the line.

mod admission;
mod change;
mod changes;
mod claim;
mod create;
mod given;
mod join;
mod keys;
mod leave;
mod line;
mod look;
mod lottery;
mod memory;
mod places;
mod presence;
mod promote;
mod recovery;
mod registry;
mod replies;
mod report;
mod script;
mod settings;
mod shop;
mod snapshot;

pub use self::admission::AdmissionCheck;
pub use self::change::{Change, Transition};
pub use self::changes::{Author, InvalidAuthor, LoggedChange};
pub use self::claim::{Admission, ClaimOutcome, ClaimRequest};
pub use self::join::{Joined, JoinedAll};
pub use self::leave::Leaver;
pub use self::line::Line;
pub use self::look::Seen;
pub use self::lottery::{
    Committed, JoinHashing, Lottery, LotteryState, Moved, PublicPart, ValueSet,
};
pub use self::memory::{Fate, RoomMemory};
pub use self::presence::{Beat, Beaten, Promise, PromisedChunk};
pub use self::promote::{Promoted, PromotionLimits};
pub use self::registry::Registry;
pub use self::replies::take_reply_apart;
pub use self::settings::{NewRoom, RoomState, Settings};
pub use self::shop::{
    CountTurn, SHOP_PERFORMANCES_MOST, SHOP_STALE, SeatsLeft, ShopBeat, ShopFacts,
};
pub use self::snapshot::{CHUNK_PLACES, ChunkVersion, RoomSnapshot, SnapshotChunk};
