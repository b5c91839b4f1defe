//! Scenario files: the ones that ship are right, and a mistake is told with its place.

use super::*;

const SMALL: &str = r#"
name = "small"
description = "three visitors"
seed = 1

[crowd]
visitors = 3
arrivals = "uniform"
arrive_within_seconds = 1

[room]
rate_per_second = 10

[house]
rows = 2
seats_per_row = 5
"#;

fn complaint(text: &str) -> String {
    format!("{:#}", Scenario::parse(text).unwrap_err())
}

#[test]
fn what_is_left_out_has_a_default() {
    let scenario = Scenario::parse(SMALL).unwrap();
    assert_eq!(scenario.house.seats(), 10);
    assert_eq!(scenario.expect.generator_lag_p99_ms.get(), 10);
    assert_eq!(scenario.buyer.seats_max.get(), 4);
    assert!(scenario.room.capacity.is_none());
}

#[test]
fn a_number_out_of_range_is_told_with_its_line_and_its_limits() {
    let said = complaint(&SMALL.replace("visitors = 3", "visitors = 0"));
    assert!(said.contains("line 7"), "{said}");
    assert!(said.contains("visitors = 0"), "{said}");
    assert!(said.contains("must be 1 to 18000, not 0"), "{said}");
}

#[test]
fn an_unknown_field_is_told_with_its_line() {
    let said = complaint(&SMALL.replace("rows = 2", "rows = 2\nbalconies = 4"));
    assert!(said.contains("balconies"), "{said}");
    assert!(said.contains("line 16"), "{said}");
}

#[test]
fn a_share_above_one_is_refused() {
    let said = complaint(&format!("{SMALL}\n[buyer]\nfront_share = 1.5\n"));
    assert!(said.contains("front_share = 1.5"), "{said}");
    assert!(said.contains("0.0 to 1.0"), "{said}");
}

#[test]
fn a_span_that_ends_before_it_begins_is_refused() {
    let said = complaint(&format!("{SMALL}\n[buyer]\nthink_ms = [900, 100]\n"));
    assert!(said.contains("[shortest, longest]"), "{said}");
}

#[test]
fn more_seats_at_least_than_at_most_is_refused() {
    let said = complaint(&format!("{SMALL}\n[buyer]\nseats_min = 4\nseats_max = 2\n"));
    assert!(said.contains("buyer.seats_min"), "{said}");
}

#[test]
fn a_house_cannot_sell_more_than_it_has() {
    let said = complaint(&format!("{SMALL}\n[expect]\nsold_seats = 11\n"));
    assert!(said.contains("expect.sold_seats"), "{said}");
}

#[test]
fn a_rate_is_no_bound_where_a_capacity_may_hold_it_back() {
    let said = complaint(&format!(
        "{}\n[expect]\nrate_reached_percent = 98\n",
        SMALL.replace("[room]", "[room]\ncapacity = 5")
    ));
    assert!(said.contains("expect.rate_reached_percent"), "{said}");
}

#[test]
fn a_name_that_no_room_could_bear_is_refused() {
    assert!(complaint(&SMALL.replace("\"small\"", "\"Small!\"")).contains("name:"));
}

#[test]
fn every_scenario_that_ships_is_valid_and_named_like_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let scenario = Scenario::read(&path).unwrap();
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), scenario.name);
        seen += 1;
    }
    assert!(seen >= 4);
}
