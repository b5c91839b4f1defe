//! Names and numbers that travel between processes, parsed once at the edge and never checked again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use smol_str::SmolStr;
use uuid::Uuid;

/// Why a text is not the id it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// Not a room's name.
    #[error("a room's name is 1 to 40 of a-z, 0-9 and -")]
    Room,
    /// Not a visitor.
    #[error("a visitor is 1 to 128 visible ASCII characters")]
    Visitor,
    /// Not an admission.
    #[error("the id of an admission is a UUID")]
    Jti,
}

/// The name of one waiting line: 1 to 40 of `[a-z0-9-]`. Cheap to copy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct RoomName(SmolStr);

impl RoomName {
    const LONGEST: usize = 40;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > Self::LONGEST || !text.bytes().all(allowed) {
            return Err(InvalidId::Room);
        }
        Ok(Self(text.into()))
    }
}

/// Somebody in a room: the `sub` of a user token, or an id minted for an anonymous visitor. Cheap to
/// copy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct VisitorId(SmolStr);

impl VisitorId {
    const LONGEST: usize = 128;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VisitorId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.is_empty()
            || text.len() > Self::LONGEST
            || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(InvalidId::Visitor);
        }
        Ok(Self(text.into()))
    }
}

/// The order of arrival in a room, from 1. Given once, never changed, never given twice.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Number(pub u64);

/// The id of one admission. All claims of the admission carry the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Jti(Uuid);

impl Jti {
    /// A fresh id, unlike any other.
    pub fn mint() -> Self {
        Self(Uuid::now_v7())
    }
}

impl FromStr for Jti {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self).or(Err(InvalidId::Jti))
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.as_str().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

text_id!(RoomName);
text_id!(VisitorId);

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for Jti {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_named_by_lower_case_letters_digits_and_dashes() {
        for good in ["a", "main", "kim-2026", &"x".repeat(40)] {
            assert_eq!(good.parse::<RoomName>().unwrap().as_str(), good);
        }
        for bad in ["", "Main", "a_b", "a b", "a/b", "{a}", "ä", &"x".repeat(41)] {
            assert_eq!(bad.parse::<RoomName>(), Err(InvalidId::Room), "{bad:?}");
        }
    }

    #[test]
    fn a_visitor_has_no_blanks_and_no_control_characters() {
        for good in ["u-1", "auth0|5f7c", "name@example.org", &"v".repeat(128)] {
            assert_eq!(good.parse::<VisitorId>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a\n", "ä", &"v".repeat(129)] {
            assert_eq!(bad.parse::<VisitorId>(), Err(InvalidId::Visitor), "{bad:?}");
        }
    }
}
