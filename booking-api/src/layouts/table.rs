//! A layout as a table (CSV, RFC 4180), one line per seat, as spreadsheets export it:
//!
//! ```csv
//! section,row,number,x,y,tier,accessible
//! Hall,A,1,0.0,0.0,VIP,
//! Hall,A,2,1.0,0.0,VIP,true
//! ```
//!
//! Within a row the order of lines is the order of seats: neighbours in the table are neighbours in the hall.

use std::collections::HashMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use shared::problem::Problem;

use super::document::{NewLayout, NewRow, NewSeat, NewSection};
use crate::problems;

/// One seat. `accessible` may be empty or missing, and in any case: spreadsheets write TRUE.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    section: String,
    row: String,
    number: u32,
    x: f64,
    y: f64,
    tier: String,
    #[serde(default, deserialize_with = "yes_or_no")]
    accessible: bool,
}

fn yes_or_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let word = String::deserialize(deserializer)?;
    match word.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "" | "false" => Ok(false),
        _ => Err(D::Error::custom("accessible is true, false or empty")),
    }
}

/// The layout called `name` that a table describes. A mistake is told with its line.
pub(super) fn read(name: String, table: &[u8]) -> Result<NewLayout, Problem> {
    let mut layout = NewLayout {
        name,
        sections: Vec::new(),
    };
    let (mut sections, mut rows) = (HashMap::new(), HashMap::new());
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(table);
    for line in reader.deserialize() {
        let line: Line = line.map_err(|error| problems::invalid_request("", told(&error)))?;
        let section = *sections.entry(line.section.clone()).or_insert_with(|| {
            layout.sections.push(NewSection {
                name: line.section.clone(),
                tier: None,
                rows: Vec::new(),
            });
            layout.sections.len() - 1
        });
        let rows_of_section = &mut layout.sections[section].rows;
        let row = *rows.entry((section, line.row.clone())).or_insert_with(|| {
            rows_of_section.push(NewRow {
                name: line.row.clone(),
                tier: None,
                seats: Vec::new(),
            });
            rows_of_section.len() - 1
        });
        rows_of_section[row].seats.push(NewSeat {
            number: line.number,
            x: line.x,
            y: line.y,
            tier: Some(line.tier),
            accessible: line.accessible,
        });
    }
    Ok(layout)
}

/// What is wrong, and in which line.
fn told(error: &csv::Error) -> String {
    let line = error.position().map_or(1, csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("it has {len} fields, the first line has {expected_len}"),
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => "it is not CSV".to_owned(),
    };
    format!("Line {line} of the table: {what}.")
}
