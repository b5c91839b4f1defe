//! One request until its final answer: waits for its time, retries what the contract says may be
//! retried, and writes every try into the journal.

use std::time::Duration;

use rand::RngExt;
use serde::de::DeserializeOwned;

use crate::client::{Answer, Client, NoAnswer, Outgoing};
use crate::clock::Moment;
use crate::journal::{Call, CallResult, Span, Step};

use super::{Lost, Visitor};

/// Tries of one request, the first included.
const TRIES_MAX: u32 = 8;
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// Pause before another try when there was no answer at all.
const NO_ANSWER_PAUSE: Duration = Duration::from_millis(500);
/// Longest body that an answer may have: the map of the largest house.
const BODY_MAX: usize = 1 << 20;

/// Which service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Gatekeeper,
    Booking,
}

/// A request and what may come of it.
pub(super) struct Ask {
    pub side: Side,
    pub step: Step,
    /// When it is to be sent, if not at once.
    pub due: Option<Moment>,
    pub request: Outgoing,
    /// Statuses that mean success.
    pub good: &'static [u16],
    /// Refusals that belong to the game.
    pub refusals: &'static [(u16, &'static str)],
}

/// A final answer.
pub(super) struct Answered {
    step: Step,
    pub answer: Answer,
    pub span: Span,
}

/// What to do after one try.
enum Verdict {
    Final(CallResult),
    /// Try again, not before so much time has passed.
    Again(CallResult, Duration),
}

impl Visitor {
    /// Asks until the answer is final. An unexpected one is final too: the caller sees its status.
    pub(super) async fn ask(&mut self, ask: Ask) -> Result<Answered, Lost> {
        let clock = self.crowd.clock;
        let intended = ask.due.unwrap_or_else(|| clock.now());
        let mut due = ask.due;
        for tries_left in (0..TRIES_MAX).rev() {
            if let Some(due) = due {
                clock.sleep_until(due).await;
            }
            let start = clock.now();
            let outcome = self
                .client(ask.side)
                .send(ask.request.clone(), BODY_MAX)
                .await;
            let end = clock.now();
            let (result, pause) = match judge(&ask, &outcome, tries_left) {
                Verdict::Final(result) => (result, None),
                Verdict::Again(result, pause) => {
                    let tries_before = TRIES_MAX - 1 - tries_left;
                    (result, Some(longer(pause, tries_before, self.rng.random())))
                }
            };
            let lag = due.map(|due| start.saturating_sub(due));
            let status = outcome.as_ref().map_or(0, |answer| answer.status.as_u16());
            self.note(Call {
                step: ask.step,
                intended,
                end,
                lag,
                status,
                result,
            });
            match (pause, outcome) {
                (Some(pause), _) => due = Some(end + pause),
                (None, Ok(answer)) => {
                    return Ok(Answered {
                        step: ask.step,
                        answer,
                        span: Span { start, end },
                    });
                }
                (None, Err(_)) => return Err(Lost),
            }
        }
        Err(Lost)
    }

    /// Reads the document of a good answer. A good answer without its document is as unexpected as
    /// any other, and written down.
    pub(super) fn read<T: DeserializeOwned>(&mut self, answered: &Answered) -> Result<T, Lost> {
        let Answered { step, answer, span } = answered;
        if !answer.status.is_success() {
            return Err(Lost);
        }
        answer
            .json()
            .ok_or_else(|| self.note_unreadable(*step, *span))
    }

    /// Writes down that an answer lacks what it must have.
    pub(super) fn note_unreadable(&mut self, step: Step, span: Span) -> Lost {
        let result = CallResult::Unexpected("an answer without what it must say".into());
        let (intended, end) = (span.start, span.end);
        self.note(Call {
            step,
            intended,
            end,
            lag: None,
            status: 0,
            result,
        });
        Lost
    }

    fn client(&mut self, side: Side) -> &mut Client {
        match side {
            Side::Gatekeeper => &mut self.gatekeeper,
            Side::Booking => &mut self.booking,
        }
    }

    fn note(&mut self, call: Call) {
        if matches!(call.result, CallResult::Unexpected(_)) {
            self.crowd.tally.unexpected.add(1);
        }
        self.visit.calls.push(call);
    }
}

/// Too busy, or still busy with our own earlier try.
fn may_repeat(status: u16, slug: &str) -> bool {
    matches!(
        (status, slug),
        (429 | 503, _) | (409, "idempotency-in-flight")
    )
}

/// A pause that doubles with each try, and differs from visitor to visitor: who was turned away
/// together does not come back together.
fn longer(pause: Duration, tries_before: u32, drawn: f64) -> Duration {
    let grown = pause
        .saturating_mul(1 << tries_before.min(8))
        .min(PAUSE_MAX.max(pause));
    grown.mul_f64(1.0 + drawn / 2.0)
}

/// Judges one try by the contract. Whatever is neither good nor part of the game is unexpected.
fn judge(ask: &Ask, outcome: &Result<Answer, NoAnswer>, tries_left: u32) -> Verdict {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => {
            let result = CallResult::Unexpected(error.in_full().into());
            return if tries_left == 0 {
                Verdict::Final(result)
            } else {
                Verdict::Again(result, NO_ANSWER_PAUSE)
            };
        }
    };
    let status = answer.status.as_u16();
    if ask.good.contains(&status) {
        return Verdict::Final(CallResult::Good);
    }
    let problem = answer.problem();
    let slug = problem.as_deref().unwrap_or("no problem document");
    if let Some((_, slug)) = ask
        .refusals
        .iter()
        .find(|refusal| **refusal == (status, slug))
    {
        return Verdict::Final(CallResult::Refused(slug));
    }
    match answer.retry_after() {
        Some(pause) if may_repeat(status, slug) && tries_left > 0 => {
            Verdict::Again(CallResult::Retried, pause.min(PAUSE_MAX))
        }
        _ => Verdict::Final(CallResult::Unexpected(format!("{status} {slug}").into())),
    }
}

#[cfg(test)]
mod tests;
