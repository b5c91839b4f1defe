//! Waiting in line: polls `GET …/visitors/me` when the server says so, until the turn has come.

use std::time::Duration;

use http::{HeaderValue, Request, header};

use crate::clock::Moment;
use crate::journal::{Admission, Span, Step};
use crate::tokens;

use super::asking::{Ask, Side};
use super::join::VisitorDocument;
use super::{Lost, Visitor};

/// What a poll interval may be, whatever the server writes.
const POLL_AFTER_MIN: Duration = Duration::from_millis(100);
const POLL_AFTER_MAX: Duration = Duration::from_mins(5);

/// How the wait ended.
pub(super) enum Turn {
    Come,
    Tired,
    Dropped,
}

impl Visitor {
    pub(super) async fn wait_for_turn(&mut self, mut known: VisitorDocument) -> Result<Turn, Lost> {
        let plan = self.crowd.scenario.buyer.waiting_patience_seconds;
        let tired_at = self.arrival + plan.seconds();
        loop {
            match known.state.as_str() {
                "admitted" => return self.enter(&known).map(|()| Turn::Come),
                "waiting" => {}
                _ => return Ok(Turn::Dropped),
            }
            let due = self.crowd.clock.now() + poll_after(&known);
            if due > tired_at {
                return Ok(Turn::Tired);
            }
            known = self.poll(due).await?;
        }
    }

    async fn poll(&mut self, due: Moment) -> Result<VisitorDocument, Lost> {
        let request = Request::get(format!("/v1/rooms/{}/visitors/me", self.crowd.room))
            .header(header::AUTHORIZATION, self.waiting.clone().ok_or(Lost)?)
            .body(http_body_util::Full::default())
            .expect("a room name makes a path");
        let ask = Ask {
            side: Side::Gatekeeper,
            step: Step::Poll,
            due: Some(due),
            request,
            good: &[200],
            refusals: &[],
        };
        let answered = self.ask(ask).await?;
        let document: VisitorDocument = self.read(&answered)?;
        let span = answered.span;
        let lateness = span.start.saturating_sub(due);
        self.visit.latest_beat = self.visit.latest_beat.max(lateness);
        if document.state == "waiting" {
            self.visit.still_waiting = Some(span.start);
        }
        self.keep_waiting_token(document.token.as_deref());
        Ok(document)
    }

    /// Takes the admission.
    fn enter(&mut self, document: &VisitorDocument) -> Result<(), Lost> {
        let Some((header, expires, at, jti)) = proof(document) else {
            let now = self.crowd.clock.now();
            return Err(self.note_unreadable(
                Step::Poll,
                Span {
                    start: now,
                    end: now,
                },
            ));
        };
        let clock = self.crowd.clock;
        self.admission = Some(header);
        self.visit.admission = Some(Admission {
            at: clock.moment_of(at),
            told: clock.now(),
            expires: clock.moment_of(expires),
            jti,
        });
        // Descriptors are few: who is in the shop does not keep the door open.
        self.gatekeeper.close();
        self.crowd.tally.admitted.add(1);
        Ok(())
    }
}

/// What an admission must have.
fn proof(
    document: &VisitorDocument,
) -> Option<(HeaderValue, jiff::Timestamp, jiff::Timestamp, String)> {
    let token = document.admission_token.as_deref()?;
    Some((
        tokens::secret(token)?,
        document.expires_at?,
        document.admitted_at?,
        tokens::jti(token)?,
    ))
}

fn poll_after(document: &VisitorDocument) -> Duration {
    let asked = document
        .poll_after_ms
        .map_or(POLL_AFTER_MIN, Duration::from_millis);
    asked.clamp(POLL_AFTER_MIN, POLL_AFTER_MAX)
}
