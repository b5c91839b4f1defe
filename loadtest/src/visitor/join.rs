//! Joining the line: `POST /v1/rooms/{room}/visitors`.

use http::{Method, Request, header};
use serde::Deserialize;

use crate::client::{Client, Outgoing};
use crate::journal::Step;
use crate::tokens;

use super::asking::{Ask, Side};
use super::{Lost, Visitor};

/// Longest visitor document.
const DOCUMENT_MAX: usize = 16 << 10;

/// The visitor document, as far as a visitor needs it.
#[derive(Debug, Deserialize)]
pub(super) struct VisitorDocument {
    pub state: String,
    pub number: Option<u64>,
    pub poll_after_ms: Option<u64>,
    pub token: Option<String>,
    pub admission_token: Option<String>,
    pub expires_at: Option<jiff::Timestamp>,
    pub admitted_at: Option<jiff::Timestamp>,
}

impl Visitor {
    /// Joins at the intended moment, whatever else goes on.
    pub(super) async fn join(&mut self) -> Result<VisitorDocument, Lost> {
        let again = self
            .crowd
            .scenario
            .probes
            .second_join_share
            .draw(&mut self.rng);
        let second = again.then(|| (Client::new(&self.crowd.gatekeeper), self.join_request()));
        let ask = Ask {
            side: Side::Gatekeeper,
            step: Step::Join,
            due: Some(self.arrival),
            request: self.join_request(),
            good: &[200, 201],
            refusals: &[],
        };
        let (answered, number_again) = match second {
            None => (self.ask(ask).await?, None),
            Some((client, request)) => {
                let at = (self.crowd.clock, self.arrival);
                let (answered, number) =
                    tokio::join!(self.ask(ask), join_beside(client, request, at));
                (answered?, number)
            }
        };
        let document: VisitorDocument = self.read(&answered)?;
        self.visit.joined = Some(answered.span);
        self.visit.number = document.number;
        self.visit.numbers_again.extend(number_again);
        self.keep_waiting_token(document.token.as_deref());
        self.crowd.tally.joined.add(1);
        Ok(document)
    }

    /// A waiting token comes at join and whenever it is renewed.
    pub(super) fn keep_waiting_token(&mut self, token: Option<&str>) {
        if let Some(token) = token.and_then(tokens::bearer) {
            self.waiting = Some(token);
        }
    }

    fn join_request(&self) -> Outgoing {
        Request::builder()
            .method(Method::POST)
            .uri(format!("/v1/rooms/{}/visitors", self.crowd.room))
            .header(header::AUTHORIZATION, self.user.clone())
            .body(http_body_util::Full::default())
            .expect("a room name makes a path")
    }
}

/// The second tab: the same visitor joins over another connection at the same moment.
async fn join_beside(
    mut client: Client,
    request: Outgoing,
    (clock, due): (crate::clock::RunClock, crate::clock::Moment),
) -> Option<u64> {
    clock.sleep_until(due).await;
    let answer = client.send(request, DOCUMENT_MAX).await.ok()?;
    answer.json::<VisitorDocument>()?.number
}
