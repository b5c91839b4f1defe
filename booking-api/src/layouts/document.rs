//! A layout as organisers send it, and as it is kept: with every seat's full name and tier.
//!
//! What is kept is canonical: the same hall always has the same bytes, and so the same hash.

use std::collections::{BTreeSet, HashSet};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use shared::problem::Problem;
use utoipa::ToSchema;

use crate::hexadecimal::hexadecimal;
use crate::problems;
use crate::seats::SeatName;

/// Most seats of one layout: the largest stadiums.
const SEATS_MOST: usize = 100_000;
/// Longest name of anything, in characters.
const NAME_LONGEST: usize = 100;
const HASH_DIGITS: usize = 64;
const TIER_LONGEST: usize = 20;
/// Farthest that a seat may lie from the origin of the plan, in units of the plan.
const FARTHEST: f64 = 1_000_000.0;

/// A layout to import. A seat's tier is its own, else its row's, else its section's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLayout {
    /// Name of the hall and its arrangement.
    pub(super) name: String,
    pub(super) sections: Vec<NewSection>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSection {
    pub(super) name: String,
    pub(super) tier: Option<String>,
    pub(super) rows: Vec<NewRow>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRow {
    /// The first part of its seats' names, as in A-12.
    pub(super) name: String,
    pub(super) tier: Option<String>,
    /// From one end to the other: neighbours in this list are neighbours in the hall.
    pub(super) seats: Vec<NewSeat>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSeat {
    /// The second part of its name.
    pub(super) number: u32,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) tier: Option<String>,
    #[serde(default)]
    pub(super) accessible: bool,
}

/// A layout as it is kept and handed out.
#[derive(Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub(crate) struct LayoutDocument {
    pub(crate) name: String,
    pub(crate) sections: Vec<Section>,
}

/// A part of the hall.
#[derive(Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
}

/// Neighbouring seats, from one end to the other.
#[derive(Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) seats: Vec<Seat>,
}

/// One seat.
#[derive(Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub(crate) struct Seat {
    #[schema(value_type = String, example = "A-12")]
    #[serde(rename = "seat")]
    pub(crate) name: SeatName,
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) tier: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) accessible: bool,
}

impl LayoutDocument {
    /// All seats, in the order of their numbers in the database.
    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.sections
            .iter()
            .flat_map(|section| &section.rows)
            .flat_map(|row| &row.seats)
    }

    /// The price tiers it uses.
    pub(crate) fn tiers(&self) -> BTreeSet<&str> {
        self.seats().map(|seat| seat.tier.as_str()).collect()
    }

    /// Its bytes, and the hash that names them.
    pub(crate) fn content(&self) -> (String, String) {
        let content =
            serde_json::to_string(self).expect("names and finite numbers are always JSON");
        let hash = hexadecimal(digest::digest(&digest::SHA256, content.as_bytes()).as_ref());
        (content, hash)
    }
}

impl TryFrom<NewLayout> for LayoutDocument {
    type Error = Problem;

    fn try_from(new: NewLayout) -> Result<Self, Problem> {
        let name = text("name", new.name, NAME_LONGEST)?;
        let named =
            |(index, section): (usize, NewSection)| section.check(&format!("sections[{index}]"));
        let sections = new
            .sections
            .into_iter()
            .enumerate()
            .map(named)
            .collect::<Result<_, _>>()?;
        let document = Self { name, sections };
        let mut names = HashSet::new();
        if let Some(twice) = document
            .seats()
            .find(|seat| !names.insert(seat.name.clone()))
        {
            return Err(invalid(
                "sections",
                format!("The seat {} is there twice.", twice.name),
            ));
        }
        match names.len() {
            1..=SEATS_MOST => Ok(document),
            _ => Err(invalid(
                "sections",
                format!("A layout has 1 to {SEATS_MOST} seats."),
            )),
        }
    }
}

impl NewSection {
    fn check(self, path: &str) -> Result<Section, Problem> {
        let name = text(&format!("{path}.name"), self.name, NAME_LONGEST)?;
        let row = |(index, row): (usize, NewRow)| {
            row.check(&format!("{path}.rows[{index}]"), self.tier.as_deref())
        };
        let rows = self
            .rows
            .into_iter()
            .enumerate()
            .map(row)
            .collect::<Result<_, _>>()?;
        Ok(Section { name, rows })
    }
}

impl NewRow {
    fn check(self, path: &str, tier: Option<&str>) -> Result<Row, Problem> {
        if self.seats.is_empty() {
            return Err(invalid(path, "A row has at least one seat."));
        }
        let tier = self.tier.as_deref().or(tier);
        let seat = |(index, seat): (usize, NewSeat)| {
            seat.check(&format!("{path}.seats[{index}]"), &self.name, tier)
        };
        let seats = self
            .seats
            .into_iter()
            .enumerate()
            .map(seat)
            .collect::<Result<_, _>>()?;
        Ok(Row {
            name: self.name,
            seats,
        })
    }
}

impl NewSeat {
    fn check(self, path: &str, row: &str, tier: Option<&str>) -> Result<Seat, Problem> {
        let name =
            SeatName::of_row(row, self.number).map_err(|error| invalid(path, error.to_string()))?;
        if !(self.x.abs() <= FARTHEST && self.y.abs() <= FARTHEST) {
            return Err(invalid(
                path,
                format!("x and y are between -{FARTHEST} and {FARTHEST}."),
            ));
        }
        let Some(tier) = self.tier.or(tier.map(str::to_owned)) else {
            return Err(invalid(
                path,
                "The seat has no tier, nor has its row or its section.",
            ));
        };
        let tier = text(&format!("{path}.tier"), tier, TIER_LONGEST)?;
        // Minus zero would be another text for the same place.
        Ok(Seat {
            name,
            x: self.x + 0.0,
            y: self.y + 0.0,
            tier,
            accessible: self.accessible,
        })
    }
}

/// Whether a text can be the hash of a layout.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == HASH_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn text(path: &str, text: String, longest: usize) -> Result<String, Problem> {
    let count = text.chars().count();
    if count == 0 || count > longest || text.chars().any(char::is_control) {
        return Err(invalid(
            path,
            format!("It has 1 to {longest} characters, none of them a control character."),
        ));
    }
    Ok(text)
}

fn invalid(path: &str, detail: impl Into<String>) -> Problem {
    problems::invalid_request(path, detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn layout(rows: &serde_json::Value) -> Result<LayoutDocument, Problem> {
        let new =
            json!({"name": "Hall", "sections": [{"name": "Floor", "tier": "R", "rows": rows}]});
        serde_json::from_value::<NewLayout>(new).unwrap().try_into()
    }

    #[test]
    fn a_seat_is_named_after_its_row_and_inherits_its_tier() {
        let hall = layout(&json!([
            {"name": "A", "seats": [{"number": 1, "x": 0, "y": 0}, {"number": 2, "x": 1, "y": 0, "tier": "S"}]}
        ]));
        let hall = hall.unwrap();
        let seats: Vec<_> = hall
            .seats()
            .map(|seat| (seat.name.to_string(), seat.tier.as_str()))
            .collect();
        assert_eq!(seats, [("A-1".to_owned(), "R"), ("A-2".to_owned(), "S")]);
    }

    #[test]
    fn the_same_hall_has_the_same_hash_whatever_the_spelling() {
        let one =
            layout(&json!([{"name": "A", "seats": [{"number": 1, "x": -0.0, "y": 1e2}]}])).unwrap();
        let same = layout(
            &json!([{"name": "A", "tier": "R", "seats": [{"number": 1, "x": 0, "y": 100}]}]),
        );
        assert_eq!(one.content(), same.unwrap().content());
    }

    #[test]
    fn a_mistake_is_named_by_its_path() {
        let twice = json!([{"name": "A", "seats": [{"number": 1, "x": 0, "y": 0}, {"number": 1, "x": 1, "y": 0}]}]);
        assert_eq!(layout(&twice).unwrap_err().to_json()["field"], "sections");
        let far = json!([{"name": "A", "seats": [{"number": 1, "x": 1e300, "y": 0}]}]);
        assert_eq!(
            layout(&far).unwrap_err().to_json()["field"],
            "sections[0].rows[0].seats[0]"
        );
        assert_eq!(layout(&json!([])).unwrap_err().slug(), "invalid-request");
    }
}
