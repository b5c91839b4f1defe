//! The house: a rectangle of seats whose rows are named like the columns of a spreadsheet, front first.

use crate::scenario::HousePlan;

/// The house of one performance, in the order of its layout.
#[derive(Clone, Debug)]
pub(crate) struct House {
    performance: String,
    seats_path: String,
    holds_path: String,
    seats_per_row: u32,
    names: Vec<String>,
}

impl House {
    pub(crate) fn of(plan: HousePlan, performance: String) -> Self {
        Self {
            seats_path: format!("/v1/performances/{performance}/seats"),
            holds_path: format!("/v1/performances/{performance}/holds"),
            performance,
            seats_per_row: plan.seats_per_row.get(),
            names: names(plan),
        }
    }

    pub(crate) fn performance(&self) -> &str {
        &self.performance
    }

    pub(crate) fn seats_path(&self) -> &str {
        &self.seats_path
    }

    pub(crate) fn holds_path(&self) -> &str {
        &self.holds_path
    }

    pub(crate) fn seats_per_row(&self) -> u32 {
        self.seats_per_row
    }

    pub(crate) fn seat_count(&self) -> u32 {
        u32::try_from(self.names.len()).unwrap_or(u32::MAX)
    }

    /// The name of a seat by its index in the layout.
    pub(crate) fn name(&self, seat: u32) -> &str {
        &self.names[seat as usize]
    }
}

fn names(plan: HousePlan) -> Vec<String> {
    (0..plan.rows.get())
        .map(row_name)
        .flat_map(|row| (1..=plan.seats_per_row.get()).map(move |seat| format!("{row}-{seat}")))
        .collect()
}

/// A, B, … Z, AA, AB, …
pub(super) fn row_name(row: u32) -> String {
    let letter = char::from_u32(u32::from(b'A') + row % 26).unwrap_or('A');
    match row / 26 {
        0 => letter.to_string(),
        before => row_name(before - 1) + &letter.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Whole;

    #[test]
    fn rows_are_named_from_the_front() {
        let named: Vec<String> = [0, 25, 26, 51, 52, 701, 702].map(row_name).into();
        assert_eq!(named, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn seats_are_in_the_order_of_the_layout() {
        let plan = HousePlan {
            rows: Whole::of(2),
            seats_per_row: Whole::of(3),
            hold_ttl_seconds: Whole::of(60),
        };
        let house = House::of(plan, "7".to_owned());
        assert_eq!(house.names, ["A-1", "A-2", "A-3", "B-1", "B-2", "B-3"]);
        assert_eq!(house.seats_path(), "/v1/performances/7/seats");
    }
}
