//! Who changed what in a room, and when: a stream that remembers the last ten thousand changes.
//!
//! The scripts that change a room write into it in the same step (`log_change` of prelude.lua).

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use super::line::{Line, unexpected};
use crate::redis_handle::StoreError;

const LONGEST_AUTHOR: usize = 100;

/// Who changes something, as the log names them: 1 to 100 characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author(Arc<str>);

/// Why a text names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 100 characters without line breaks and other control characters")]
pub struct InvalidAuthor;

/// One change of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedChange {
    /// When, by the clock of Redis, milliseconds since 1970.
    #[serde(skip)]
    pub at_ms: i64,
    /// Who.
    pub by: String,
    /// What: `created`, `removed`, `evicted`, `state`, `lottery` (its commitment), or the name of a setting.
    pub what: String,
    /// How it was before; `None` when it was unset.
    pub from: Option<String>,
    /// How it is since; `None` when it was taken back.
    pub to: Option<String>,
}

impl Author {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Author {
    /// Whoever did not say.
    fn default() -> Self {
        Self("unnamed".into())
    }
}

impl FromStr for Author {
    type Err = InvalidAuthor;

    fn from_str(text: &str) -> Result<Self, InvalidAuthor> {
        let text = text.trim();
        let length = text.chars().count();
        if (1..=LONGEST_AUTHOR).contains(&length) && !text.contains(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidAuthor)
        }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Line {
    /// The last ten thousand changes, the newest last. A room that was removed keeps them for a month.
    pub async fn changes(&self) -> Result<Vec<LoggedChange>, StoreError> {
        let mut read = redis::cmd("XRANGE");
        read.arg(self.keys.named("changes")).arg("-").arg("+");
        let entries: Vec<(String, HashMap<String, String>)> = self.redis.query(&read).await?;
        let changes = entries.into_iter().map(parse);
        changes
            .collect::<Option<_>>()
            .ok_or_else(|| unexpected("the log of changes cannot be read"))
    }
}

/// An entry of the stream: an id that begins with the time, and fields.
pub(super) fn parse((id, mut fields): (String, HashMap<String, String>)) -> Option<LoggedChange> {
    let (at_ms, _sequence) = id.split_once('-')?;
    let mut optional = |name| fields.remove(name).filter(|text| !text.is_empty());
    let (from, to) = (optional("from"), optional("to"));
    Some(LoggedChange {
        at_ms: at_ms.parse().ok()?,
        by: fields.remove("by")?,
        what: fields.remove("what")?,
        from,
        to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_fits_into_a_line() {
        for good in ["ada", "ada@desk-7", "김민수", " spaced out "] {
            assert_eq!(good.parse::<Author>().unwrap().as_str(), good.trim());
        }
        for bad in ["", "  ", "a\nb", "\u{1b}[31mred", &"x".repeat(101)] {
            assert_eq!(bad.parse::<Author>(), Err(InvalidAuthor), "{bad:?}");
        }
    }
}
