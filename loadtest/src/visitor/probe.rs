//! Calls that must not work, made by a sample of the visitors while the sale goes on (I5).

use http::{HeaderValue, Method, Request, header};

use crate::forbidden::{self, Forbidden, KnownBy};
use crate::tokens;

use super::Visitor;
use super::asking::Side;

const NO_ADMISSION: (u16, &str) = (403, "admission-required");
const NOT_YOURS: (u16, &str) = (403, "admission-not-yours");
const ENDED: (u16, &str) = (403, "admission-expired");
const BAD_WAITING_TOKEN: (u16, &str) = (401, "waiting-token-invalid");

impl Visitor {
    /// Polls with waiting tokens that were never given out.
    pub(super) async fn probe_the_door(&mut self) {
        let Some(own) = self.waiting.clone().filter(|_| self.probing) else {
            return;
        };
        let own = own.to_str().unwrap_or_default();
        let path = format!("/v1/rooms/{}/visitors/me", self.crowd.room);
        for (what, forged) in [
            ("poll with a tampered waiting token", tokens::tampered(own)),
            (
                "poll with an unsigned waiting token",
                own.strip_prefix("Bearer ")
                    .and_then(tokens::unsigned)
                    .map(|token| format!("Bearer {token}")),
            ),
            (
                "poll with a user token",
                self.user.to_str().ok().map(str::to_owned),
            ),
        ] {
            let Some(value) = forged.as_deref().and_then(tokens::secret) else {
                continue;
            };
            let request = Request::get(&path)
                .header(header::AUTHORIZATION, value)
                .body(http_body_util::Full::default())
                .expect("a room name makes a path");
            let (expected, known_by) = (BAD_WAITING_TOKEN, KnownBy::Token);
            self.probe(
                Side::Gatekeeper,
                Forbidden {
                    what,
                    expected,
                    request,
                    known_by,
                },
            )
            .await;
        }
    }

    /// Looks and holds with no admission, with forged ones, and with somebody else's.
    pub(super) async fn probe_the_shop(&mut self) {
        let Some(own) = self.admission.clone().filter(|_| self.probing) else {
            return;
        };
        let token = own.to_str().unwrap_or_default();
        let secret = |token: Option<String>| token.as_deref().and_then(tokens::secret);
        let resigned = secret(self.crowd.minter.forge(token));
        let (tampered, unsigned) = (
            secret(tokens::tampered(token)),
            secret(tokens::unsigned(token)),
        );
        self.probe_admission("no admission token", NO_ADMISSION, None)
            .await;
        for (what, forged) in [
            ("tampered admission token", tampered),
            ("unsigned admission token", unsigned),
            ("admission token signed by another key", resigned),
        ] {
            if forged.is_some() {
                self.probe_admission(what, NO_ADMISSION, forged).await;
            }
        }
        if let Some(borrowed) = self.crowd.swap_admission(own) {
            self.probe_admission("another buyer's admission token", NOT_YOURS, Some(borrowed))
                .await;
        }
    }

    /// Comes back with the token of an admission that has ended.
    pub(super) async fn probe_the_ended_admission(&mut self) {
        if let Some(own) = self.admission.clone().filter(|_| self.probing) {
            self.probe_admission("ended admission token", ENDED, Some(own))
                .await;
        }
    }

    /// Once to see and once to hold: both must be refused.
    async fn probe_admission(
        &mut self,
        what: &'static str,
        expected: (u16, &'static str),
        token: Option<HeaderValue>,
    ) {
        let look = Request::get(self.crowd.house.seats_path());
        let hold = Request::builder()
            .method(Method::POST)
            .uri(self.crowd.house.holds_path())
            .header("idempotency-key", self.idempotency_key())
            .header(header::CONTENT_TYPE, "application/json");
        let seat = serde_json::json!({ "seats": [self.crowd.house.name(0)] }).to_string();
        for (mut request, body) in [(look, String::new()), (hold, seat)] {
            request = request.header(header::AUTHORIZATION, self.user.clone());
            if let Some(token) = token.clone() {
                request = request.header("admission-token", token);
            }
            let request = request
                .body(http_body_util::Full::from(body))
                .expect("a performance id makes a path");
            let known_by = if expected == ENDED {
                KnownBy::Line
            } else {
                KnownBy::Token
            };
            self.probe(
                Side::Booking,
                Forbidden {
                    what,
                    expected,
                    request,
                    known_by,
                },
            )
            .await;
        }
    }

    async fn probe(&mut self, side: Side, forbidden: Forbidden) {
        let client = match side {
            Side::Gatekeeper => &mut self.gatekeeper,
            Side::Booking => &mut self.booking,
        };
        let probe = forbidden::attempt(client, forbidden).await;
        self.visit.probes.extend(probe);
    }
}
