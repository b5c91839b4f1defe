//! What gives way, and in which order, when the lines ask for more polls than the budget.

use super::Demand;

/// The cap while the budget allows it.
const GENTLE_CAP_SECONDS: f64 = 30.0;
/// No interval is longer, or visitors could not be told from people who have gone. A line of more than
/// some four million for a budget of 20,000 polls a second needs more gatekeepers.
const LONGEST_SECONDS: f64 = 300.0;
/// In front with plenty to spare.
const FRONT_SECONDS: f64 = 1.0;
/// In front at the worst: an admission has to be claimed within 20 s.
const LONGEST_FRONT_SECONDS: f64 = 10.0;
/// Where nobody is let in, with plenty to spare.
const IDLE_SECONDS: f64 = 5.0;
/// At nine tenths of the expected wait, jitter included, everybody still asks once before their turn.
const LARGEST_STRETCH: f64 = 9.0;
/// Bisections of the path: to a millionth of a leg.
const BISECTIONS: u32 = 22;

/// How far all lines of a gatekeeper have given way, from nothing to everything:
///
/// 1. the cap grows from 30 s to 5 min (those who wait long ask more seldom; nobody else notices);
/// 2. everything between the very front and the cap is stretched up to ninefold: whoever is within 10 s ÷ stretch of
///    their turn still asks every second, and everybody asks once more before their turn;
/// 3. the front, from 1 s to 10 s: the rate alone is nearly more than the budget.
///
/// What is still too much then exceeds the budget: nobody would be served by missing their turn.
///
/// All lines of a process give way alike, so that a short line beside a long one keeps its pace: it is the long one's
/// back that has polls to give.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Scarcity(pub(super) f64);

/// The bounds of intervals at one point of the path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intervals {
    pub(super) front_seconds: f64,
    pub(super) cap_seconds: f64,
    pub(super) stretch: f64,
    /// For everybody, where nobody is let in.
    pub(super) idle_seconds: f64,
}

impl Intervals {
    /// For everybody, before an opening: often enough to count as present.
    pub(super) const LOBBY_SECONDS: f64 = LONGEST_SECONDS;
}

impl Scarcity {
    /// Plenty to spare.
    pub(super) const NONE: Self = Self(0.0);
    const WORST: Self = Self(3.0);

    /// The least with which `lines` together ask one gatekeeper for at most `budget_per_second` polls a second.
    pub(super) fn for_lines(lines: &[Demand], budget_per_second: f64) -> Self {
        let fits = |scarcity: Self| {
            let intervals = scarcity.intervals();
            let polls: f64 = lines
                .iter()
                .map(|line| line.polls_per_second(&intervals))
                .sum();
            polls <= budget_per_second
        };
        if fits(Self::NONE) {
            return Self::NONE;
        }
        let (mut too_little, mut enough) = (Self::NONE, Self::WORST);
        for _ in 0..BISECTIONS {
            let middle = Self(f64::midpoint(too_little.0, enough.0));
            if fits(middle) {
                enough = middle;
            } else {
                too_little = middle;
            }
        }
        enough
    }

    /// The bounds at this point of the path.
    pub(super) fn intervals(self) -> Intervals {
        let leg = |number: f64| (self.0 - number).clamp(0.0, 1.0);
        let between = |from: f64, to: f64, leg: f64| from * (to / from).powf(leg);
        Intervals {
            front_seconds: between(FRONT_SECONDS, LONGEST_FRONT_SECONDS, leg(2.0)),
            cap_seconds: between(GENTLE_CAP_SECONDS, LONGEST_SECONDS, leg(0.0)),
            stretch: between(1.0, LARGEST_STRETCH, leg(1.0)),
            idle_seconds: between(IDLE_SECONDS, LONGEST_SECONDS, leg(0.0)),
        }
    }
}
