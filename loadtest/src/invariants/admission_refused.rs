//! I5: no seat is shown or held without a valid admission of the right room and buyer.

use super::Finding;
use crate::journal::Journal;

/// Every probe got exactly the refusal that the contract names.
pub(super) fn check(journal: &Journal) -> Finding {
    let mut finding = Finding::new("I5");
    for probe in journal.probes() {
        let (status, slug) = &probe.got;
        finding.expect((*status, slug.as_str()) == probe.expected, || {
            format!(
                "{}: expected {:?}, got {status} {slug}",
                probe.what, probe.expected
            )
        });
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Probe;

    fn journal(status: u16, slug: &str) -> Journal {
        let probe = Probe {
            what: "no admission token",
            expected: (403, "admission-required"),
            got: (status, slug.to_owned()),
            tries: 1,
        };
        Journal {
            probes: vec![probe],
            ..Journal::default()
        }
    }

    #[test]
    fn the_right_refusal_is_right() {
        assert!(check(&journal(403, "admission-required")).holds());
    }

    #[test]
    fn a_probe_that_was_let_in_is_found() {
        assert_eq!(check(&journal(200, "")).violations, 1);
    }

    #[test]
    fn a_refusal_for_another_reason_is_found() {
        assert_eq!(check(&journal(403, "sale-not-open")).violations, 1);
    }

    #[test]
    fn no_probe_is_no_proof() {
        assert!(!check(&Journal::default()).holds());
    }
}
