//! When an instance is well enough for people to be sent to it.

use std::time::Duration;

/// A payment gateway whose circuit has opened is not trusted for so long after its last failure. Then somebody has to try:
/// while nobody is let in nobody pays, and the circuit would never close.
const PAYMENTS_DISTRUSTED_FOR: Duration = Duration::from_secs(30);

/// What an instance sees of itself between two beats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signs {
    /// Whether the primary answered in time, over the way that buyers' requests take.
    pub(super) database_answers: bool,
    /// Requests refused at the door because too many were in work.
    pub(super) turned_away: u64,
    /// How long ago the circuit round the payment gateway changed, unless it is closed.
    pub(super) circuit_open_for: Option<Duration>,
}

/// Why nobody should be sent here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ailment {
    /// No seat can be shown or held.
    Database,
    /// Those who are here already are too many.
    Overload,
    /// Nothing can be paid.
    Payments,
}

impl Ailment {
    pub(super) const ALL: [Self; 3] = [Self::Database, Self::Overload, Self::Payments];

    /// Its name in metrics and logs.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Overload => "overload",
            Self::Payments => "payments",
        }
    }
}

/// The gravest reason not to send anybody here. The line waits only when this goes on for seconds: one bad beat is none.
pub(super) fn ailment(signs: &Signs) -> Option<Ailment> {
    if !signs.database_answers {
        return Some(Ailment::Database);
    }
    if signs.turned_away > 0 {
        return Some(Ailment::Overload);
    }
    let open_for = signs.circuit_open_for?;
    (open_for < PAYMENTS_DISTRUSTED_FOR).then_some(Ailment::Payments)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Signs = Signs {
        database_answers: true,
        turned_away: 0,
        circuit_open_for: None,
    };

    #[test]
    fn an_instance_without_signs_is_well() {
        assert_eq!(ailment(&WELL), None);
    }

    #[test]
    fn without_the_database_nobody_is_sent() {
        let signs = Signs {
            database_answers: false,
            turned_away: 9,
            ..WELL
        };
        assert_eq!(ailment(&signs), Some(Ailment::Database));
    }

    #[test]
    fn where_requests_are_turned_away_nobody_is_sent() {
        let signs = Signs {
            turned_away: 1,
            ..WELL
        };
        assert_eq!(ailment(&signs), Some(Ailment::Overload));
    }

    #[test]
    fn an_open_circuit_keeps_people_away_until_somebody_has_to_try() {
        let after = |seconds| {
            ailment(&Signs {
                circuit_open_for: Some(Duration::from_secs(seconds)),
                ..WELL
            })
        };
        assert_eq!(after(0), Some(Ailment::Payments));
        assert_eq!(after(29), Some(Ailment::Payments));
        assert_eq!(after(30), None);
    }
}
