//! I6: no number is given to two visitors, and a visitor has one live number in a room.

use std::collections::HashMap;

use super::Finding;
use crate::journal::Journal;

/// All numbers differ, and who joined again was given the same one.
pub(super) fn check(journal: &Journal) -> Finding {
    let mut finding = Finding::new("I6");
    let mut owners: HashMap<u64, &str> = HashMap::new();
    for visit in &journal.visits {
        let Some(number) = visit.number else { continue };
        let before = owners.insert(number, &visit.visitor);
        finding.expect(before.is_none(), || {
            format!(
                "number {number} was given to {before:?} and to {}",
                visit.visitor
            )
        });
        for again in &visit.numbers_again {
            finding.expect(*again == number, || {
                format!(
                    "{} joined twice and was given {number} and {again}",
                    visit.visitor
                )
            });
        }
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::super::sample::waiting;
    use super::*;
    use crate::journal::Visit;

    fn check_visits(visits: Vec<Visit>) -> Finding {
        check(&Journal {
            visits,
            ..Journal::default()
        })
    }

    #[test]
    fn different_numbers_and_a_repeated_join_are_right() {
        let twice = Visit {
            numbers_again: vec![2],
            ..waiting(2)
        };
        let finding = check_visits(vec![waiting(1), twice]);
        assert!(finding.holds(), "{finding:?}");
        assert_eq!(finding.checked, 3);
    }

    #[test]
    fn a_number_given_to_two_visitors_is_found() {
        let other = Visit {
            visitor: "somebody else".to_owned(),
            ..waiting(1)
        };
        assert_eq!(check_visits(vec![waiting(1), other]).violations, 1);
    }

    #[test]
    fn two_numbers_for_one_visitor_are_found() {
        let twice = Visit {
            numbers_again: vec![3],
            ..waiting(2)
        };
        assert_eq!(check_visits(vec![waiting(1), twice]).violations, 1);
    }
}
