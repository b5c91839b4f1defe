//! Holding seats: `POST …/holds`, all of them or none.

use http::{Method, Request, header};
use serde::Deserialize;

use crate::client::{Answer, Outgoing};
use crate::journal::{Held, Span, Step};

use super::asking::{Ask, Side};
use super::{Lost, Visitor};

/// What came of asking for seats.
pub(super) enum Holding {
    /// The place of the hold in the journal.
    Held(usize),
    /// Somebody was faster.
    Taken,
}

/// The hold document, as far as a visitor needs it.
#[derive(Debug, Deserialize)]
struct HoldDocument {
    id: String,
    seats: Vec<String>,
    state: String,
    expires_at: jiff::Timestamp,
}

/// The problem `hold-exists` names the hold that exists.
#[derive(Debug, Deserialize)]
struct HoldExists {
    hold: String,
}

impl Visitor {
    pub(super) async fn hold(&mut self, wished: Vec<String>) -> Result<Holding, Lost> {
        let body = serde_json::json!({ "seats": wished }).to_string();
        let ask = Ask {
            side: Side::Booking,
            step: Step::Hold,
            due: None,
            request: self.hold_request(body)?,
            good: &[201],
            refusals: &[(409, "seat-taken"), (409, "hold-exists")],
        };
        let answered = self.ask(ask).await?;
        match (
            answered.answer.status.as_u16(),
            answered.answer.problem().as_deref(),
        ) {
            (201, _) => {
                let document = self.read(&answered)?;
                Ok(self.note_hold(document, Some(wished), answered.span))
            }
            (409, Some("seat-taken")) => {
                self.crowd.tally.conflicts.add(1);
                Ok(Holding::Taken)
            }
            (409, Some("hold-exists")) => self.find_hold(&answered.answer).await,
            _ => Err(Lost),
        }
    }

    /// An answer of ours was lost and the hold was made all the same: go on with it.
    async fn find_hold(&mut self, problem: &Answer) -> Result<Holding, Lost> {
        let Some(HoldExists { hold }) = problem.json() else {
            return Err(Lost);
        };
        let request = Request::get(format!("/v1/holds/{hold}"))
            .header(header::AUTHORIZATION, self.user.clone())
            .body(http_body_util::Full::default());
        let Ok(request) = request else {
            return Err(Lost);
        };
        let ask = Ask {
            side: Side::Booking,
            step: Step::Hold,
            due: None,
            request,
            good: &[200],
            refusals: &[],
        };
        let answered = self.ask(ask).await?;
        let document: HoldDocument = self.read(&answered)?;
        if document.state == "ACTIVE" {
            return Ok(self.note_hold(document, None, answered.span));
        }
        Ok(Holding::Taken)
    }

    /// `asked` is not known when the answer to the asking was lost.
    fn note_hold(
        &mut self,
        document: HoldDocument,
        asked: Option<Vec<String>>,
        answered: Span,
    ) -> Holding {
        self.visit.held.push(Held {
            hold: document.id,
            asked: asked.unwrap_or_else(|| document.seats.clone()),
            got: document.seats,
            answered,
            expires: self.crowd.clock.moment_of(document.expires_at),
            payment_sent: None,
            order: None,
        });
        Holding::Held(self.visit.held.len() - 1)
    }

    fn hold_request(&mut self, body: String) -> Result<Outgoing, Lost> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.crowd.house.holds_path())
            .header(header::AUTHORIZATION, self.user.clone())
            .header("admission-token", self.admission.clone().ok_or(Lost)?)
            .header("idempotency-key", self.idempotency_key())
            .header(header::CONTENT_TYPE, "application/json")
            .body(http_body_util::Full::from(body))
            .expect("a performance id makes a path");
        Ok(request)
    }
}
