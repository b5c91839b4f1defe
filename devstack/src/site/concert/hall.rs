//! The hall of the demo concert: three sections, bent round the stage.

use serde_json::{Value, json};

/// A part of the hall: so many rows of so many seats, of one tier.
struct Section {
    name: &'static str,
    tier: &'static str,
    rows: u32,
    seats_per_row: u32,
    /// Distance of its first row from the stage, in metres.
    first_row_at: f64,
    row_name: fn(u32) -> String,
}

const SECTIONS: [Section; 3] = [
    Section {
        name: "Floor",
        tier: "R",
        rows: 26,
        seats_per_row: 60,
        first_row_at: 10.0,
        row_name: |row| {
            char::from_u32(u32::from(b'A') + row)
                .unwrap_or('A')
                .to_string()
        },
    },
    Section {
        name: "Circle",
        tier: "S",
        rows: 25,
        seats_per_row: 70,
        first_row_at: 40.0,
        row_name: |row| format!("C{}", row + 1),
    },
    Section {
        name: "Balcony",
        tier: "A",
        rows: 30,
        seats_per_row: 70,
        first_row_at: 70.0,
        row_name: |row| format!("B{}", row + 1),
    },
];

/// How many seats there are.
pub(super) const SEATS: u32 = 26 * 60 + 25 * 70 + 30 * 70;

/// Metres from row to row.
const ROW_PITCH: f64 = 0.9;

/// The angle in radians over which every row is spread.
const SPREAD: f64 = 1.6;

/// The layout as booking-api imports it.
pub(super) fn layout() -> Value {
    let sections: Vec<Value> = SECTIONS.iter().map(Section::document).collect();
    json!({"name": "Demo Hall", "sections": sections})
}

impl Section {
    fn document(&self) -> Value {
        let rows: Vec<Value> = (0..self.rows).map(|row| self.row(row)).collect();
        json!({"name": self.name, "tier": self.tier, "rows": rows})
    }

    fn row(&self, row: u32) -> Value {
        let distance = self.first_row_at + f64::from(row) * ROW_PITCH;
        let seats: Vec<Value> = (0..self.seats_per_row)
            .map(|seat| {
                let share = f64::from(seat) / f64::from(self.seats_per_row - 1);
                let angle = (share - 0.5) * SPREAD;
                let (x, y) = (distance * angle.sin(), distance * angle.cos());
                json!({"number": seat + 1, "x": centimetres(x), "y": centimetres(y)})
            })
            .collect();
        json!({"name": (self.row_name)(row), "seats": seats})
    }
}

/// The sines of different machines differ in the last digit; a layout must not.
fn centimetres(metres: f64) -> f64 {
    (metres * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_seat_has_a_name_and_a_place_of_its_own() {
        let layout = layout();
        let rows = layout["sections"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|s| s["rows"].as_array().unwrap());
        let (mut names, mut places) = (HashSet::new(), HashSet::new());
        for row in rows {
            for seat in row["seats"].as_array().unwrap() {
                names.insert(format!("{}-{}", row["name"], seat["number"]));
                places.insert(format!("{}/{}", seat["x"], seat["y"]));
            }
        }
        assert_eq!(names.len(), SEATS as usize);
        assert_eq!(places.len(), SEATS as usize);
    }
}
