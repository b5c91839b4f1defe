//! How the lines of one gatekeeper share what it can answer.

use super::{Demand, Scarcity, as_f64};

/// Part of the budget that intervals are planned with. The rest is for waves: people join in bursts, intervals that
/// were told a minute ago belong to another line than today's, and those who are let in ask once more.
const PLANNED: f64 = 0.75;
/// Part of the budget for those who return after an opening.
const RETURNING: f64 = 0.5;

/// What everybody's intervals are worked out from, a few times a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetPlan {
    budget_per_second: f64,
    scarcity: Scarcity,
    /// People of all lines that are about to open or have just done so.
    opening: u64,
}

impl BudgetPlan {
    /// The plan with which `lines` together ask one gatekeeper for at most `budget_per_second` polls a second.
    pub fn new(lines: &[Demand], budget_per_second: f64) -> Self {
        let opening = lines.iter().filter(|line| line.is_opening());
        let mut plan = Self {
            budget_per_second,
            scarcity: Scarcity::NONE,
            opening: opening.map(|line| line.waiting).sum(),
        };
        let returning = lines.iter().filter(|line| line.is_returning);
        let returning: f64 = returning
            .map(|line| plan.returns_per_second(line) / as_f64(line.gatekeepers.max(1)))
            .sum();
        let rest = PLANNED * budget_per_second - returning;
        plan.scarcity = Scarcity::for_lines(lines, rest);
        plan
    }

    #[cfg(test)]
    pub(super) fn with_scarcity(scarcity: Scarcity) -> Self {
        Self {
            scarcity,
            ..Self::new(&[], 1.0)
        }
    }

    pub(super) fn scarcity(&self) -> Scarcity {
        self.scarcity
    }

    /// How many people of `line` return a second, at all of its gatekeepers. Lines that open together share by length.
    pub fn returns_per_second(&self, line: &Demand) -> f64 {
        let part = as_f64(line.waiting.max(1)) / as_f64(self.opening.max(line.waiting).max(1));
        RETURNING * self.budget_per_second * part * as_f64(line.gatekeepers.max(1))
    }
}
