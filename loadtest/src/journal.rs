//! What the crowd wrote down: every request with its intended and true times, and every number,
//! admission, hold and order that an answer gave. The invariants are judged by this and by the books
//! of others, never by asking the services how they think they did.

mod call;
mod visit;

pub(crate) use call::{Call, CallResult, Step};
pub(crate) use visit::{Admission, Bought, Ended, Held, Probe, Span, Visit};

/// The journals of all visitors of one run.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub visits: Vec<Visit>,
    /// Made outside of any visitor's journey: tokens of another room.
    pub probes: Vec<Probe>,
    /// Visitors whose task died: a defect of the load test itself.
    pub crashed: u32,
}

impl Journal {
    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.visits.iter().flat_map(|visit| &visit.calls)
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = (&Visit, &Held)> {
        self.visits
            .iter()
            .flat_map(|visit| visit.held.iter().map(move |held| (visit, held)))
    }

    pub(crate) fn bought(&self) -> impl Iterator<Item = (&Visit, &Bought)> {
        self.visits
            .iter()
            .filter_map(|visit| Some((visit, visit.bought.as_ref()?)))
    }

    pub(crate) fn probes(&self) -> impl Iterator<Item = &Probe> {
        self.visits
            .iter()
            .flat_map(|visit| &visit.probes)
            .chain(&self.probes)
    }

    pub(crate) fn admissions(&self) -> impl Iterator<Item = (&Visit, &Admission)> {
        self.visits
            .iter()
            .filter_map(|visit| Some((visit, visit.admission.as_ref()?)))
    }
}
