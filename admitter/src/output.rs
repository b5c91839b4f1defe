//! What a command prints: text for people, or JSON for machines.

use jiff::Timestamp;
use serde::Serialize;
use shared::clock;
use shared::room::LoggedChange;

use crate::commands::doctor::{Finding, Level};
use crate::room_status::RoomStatus;

/// Prints results in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// JSON, one document a line.
    pub json: bool,
}

#[expect(clippy::print_stdout, reason = "commands print their results")]
impl Output {
    /// Says what was done: a sentence, or a document.
    pub fn done(self, sentence: &str, document: &impl Serialize) {
        if self.json {
            println!("{}", to_json(document));
        } else {
            println!("{sentence}");
        }
    }

    /// Says what cannot be shown at present, beside the results.
    #[expect(clippy::print_stderr, reason = "not a result")]
    pub fn trouble(self, error: &anyhow::Error) {
        eprintln!("{error:#}");
    }

    /// Shows rooms as a table, or as one JSON array.
    pub fn rooms(self, rooms: &[RoomStatus]) {
        if self.json {
            println!("{}", to_json(&rooms));
            return;
        }
        if rooms.is_empty() {
            println!("There are no rooms; make one with: admitter rooms create <room>");
            return;
        }
        println!("{}", table(rooms));
        for (status, note) in rooms.iter().filter_map(|room| Some((room, note(room)?))) {
            println!("{}: {note}", status.room);
        }
    }

    /// Shows changes as a table, or as one JSON array.
    pub fn changes(self, changes: &[LoggedChange]) {
        if self.json {
            let changes: Vec<_> = changes.iter().map(ShownChange::of).collect();
            println!("{}", to_json(&changes));
            return;
        }
        if changes.is_empty() {
            println!("Nothing has been changed.");
            return;
        }
        let header = ["WHEN", "BY", "WHAT"].map(str::to_owned);
        let rows = changes.iter().map(|change| {
            let at = clock::from_millis(change.at_ms).to_string();
            [at, printable(&change.by), printable(&in_words(change))]
        });
        println!("{}", aligned(std::iter::once(header).chain(rows)));
    }

    /// Shows one room in full.
    pub fn room(self, status: &RoomStatus) {
        if self.json {
            println!("{}", to_json(status));
            return;
        }
        println!("{}", table(std::slice::from_ref(status)));
        if let Some(at) = status.opens_at {
            println!("opens at {at}");
        }
        if let Some(message) = &status.message {
            println!("message: {}", printable(message));
        }
        if let Some(note) = note(status) {
            println!("{note}");
        }
    }

    /// Shows what a check-up has found, the worst last, or one JSON array.
    pub fn findings(self, findings: &[Finding]) {
        if self.json {
            println!("{}", to_json(&findings));
            return;
        }
        let mut sorted: Vec<&Finding> = findings.iter().collect();
        sorted.sort_by_key(|finding| finding.level);
        for finding in sorted {
            let level = match finding.level {
                Level::Ok => "ok     ",
                Level::Warn => "WARN   ",
                Level::Problem => "PROBLEM",
            };
            println!("{level}  {}: {}", finding.about, finding.found);
            if let Some(change) = &finding.change {
                println!("         → {change}");
            }
        }
    }
}

/// A change as machines get it.
#[derive(Serialize)]
struct ShownChange<'change> {
    at: Timestamp,
    #[serde(flatten)]
    change: &'change LoggedChange,
}

impl<'change> ShownChange<'change> {
    fn of(change: &'change LoggedChange) -> Self {
        let at = clock::from_millis(change.at_ms);
        Self { at, change }
    }
}

/// Without what would make one line look like two, or hide a part of it: anybody who may change a room has put it there.
fn printable(text: &str) -> String {
    let is_shown = |character: char| !character.is_control() && !is_invisible(character);
    let shown = |character: char| {
        if is_shown(character) {
            character.to_string()
        } else {
            character.escape_default().to_string()
        }
    };
    text.chars().map(shown).collect()
}

/// Separators of lines and paragraphs, and what turns the direction of writing or has no width.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn in_words(change: &LoggedChange) -> String {
    let LoggedChange { what, from, to, .. } = change;
    match (from, to) {
        (Some(from), Some(to)) => format!("{what} {from} → {to}"),
        (None, Some(to)) => format!("{what} {to}"),
        (Some(from), None) => format!("{what} {from} → none"),
        (None, None) => what.clone(),
    }
}

fn to_json(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("our documents have only string keys")
}

/// What somebody who looks at the figures should know besides.
fn note(status: &RoomStatus) -> Option<String> {
    let throttle = status.throttle.as_ref().filter(|throttle| throttle.is_full);
    throttle.map(ToString::to_string)
}

fn table(rooms: &[RoomStatus]) -> String {
    let header = [
        "ROOM", "STATE", "WAITING", "ABSENT", "ACTIVE", "RATE/S", "CAPACITY", "ADMITTED",
    ]
    .map(str::to_owned);
    let rows = rooms.iter().map(|status| {
        [
            status.room.to_string(),
            status.state.to_string(),
            status.waiting.to_string(),
            status.absent.to_string(),
            status.active.to_string(),
            status
                .rate_per_second
                .map_or_else(|| "unset".to_owned(), |rate| rate.to_string()),
            status
                .capacity
                .map_or_else(|| "none".to_owned(), |capacity| capacity.to_string()),
            status.admitted_total.to_string(),
        ]
    });
    aligned(std::iter::once(header).chain(rows))
}

/// Rows as lines, their columns below each other.
fn aligned<const COLUMNS: usize>(rows: impl Iterator<Item = [String; COLUMNS]>) -> String {
    let rows: Vec<[String; COLUMNS]> = rows.collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let line = |row: &[String; COLUMNS]| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line_whatever_it_says() {
        assert_eq!(printable("Türen auf ✓"), "Türen auf ✓");
        assert_eq!(
            printable("Hi\n2026  boss\u{202e}x\u{2028}"),
            "Hi\\n2026  boss\\u{202e}x\\u{2028}"
        );
    }

    #[test]
    fn columns_are_aligned() {
        let status = |room: &str, waiting| RoomStatus {
            waiting,
            active: 7,
            ..RoomStatus::example(room)
        };
        let expected = "ROOM  STATE  WAITING  ABSENT  ACTIVE  RATE/S  CAPACITY  ADMITTED\n\
                        a     open   1234567  0       7       100     none      0\n\
                        main  open   1        0       7       100     none      0";
        assert_eq!(
            table(&[status("a", 1_234_567), status("main", 1)]),
            expected
        );
    }
}
