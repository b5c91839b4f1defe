//! The name of a seat, as it is printed on the ticket: `<row or section>-<number>`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A seat's name, such as A-12: at most 20 characters, unique in a performance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SeatName(Box<str>);

/// Why a text is no seat's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A seat is named <row or section>-<number>, letters and digits, at most 20 characters.")]
pub struct InvalidSeatName;

impl SeatName {
    const LONGEST: usize = 20;

    /// The seat with a number in a row.
    pub(crate) fn of_row(row: &str, number: u32) -> Result<Self, InvalidSeatName> {
        format!("{row}-{number}").parse()
    }
}

impl FromStr for SeatName {
    type Err = InvalidSeatName;

    fn from_str(text: &str) -> Result<Self, InvalidSeatName> {
        let (row, number) = text.rsplit_once('-').ok_or(InvalidSeatName)?;
        let row_is_good = !row.is_empty() && row.chars().all(|c| c.is_alphanumeric() || c == '-');
        let number_is_good = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if !row_is_good || !number_is_good || text.chars().count() > Self::LONGEST {
            return Err(InvalidSeatName);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for SeatName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for SeatName {
    type Error = InvalidSeatName;

    fn try_from(text: String) -> Result<Self, InvalidSeatName> {
        text.parse()
    }
}

impl From<SeatName> for String {
    fn from(name: SeatName) -> String {
        name.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_a_row_and_a_number() {
        for good in [
            "A-1",
            "1F-B-12",
            "가-7",
            "FLOOR-000001",
            "ABCDEFGHIJKLMNOPQ-12",
        ] {
            assert_eq!(good.parse::<SeatName>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "A",
            "A-",
            "-1",
            "A-x",
            "A 1-1",
            "A-1\n",
            "A--",
            "ABCDEFGHIJKLMNOPQR-12",
            "A'-1",
        ] {
            assert_eq!(bad.parse::<SeatName>(), Err(InvalidSeatName), "{bad}");
        }
    }
}
