//! Paying: `POST …/payment` until the order is confirmed, or cannot be any more.

use std::time::Duration;

use http::{Method, Request, header};
use serde::Deserialize;

use crate::client::Outgoing;
use crate::journal::{Bought, Span, Step};

use super::asking::{Answered, Ask, Side};
use super::{Lost, Visitor};

/// Attempts to pay for one hold; the service allows three.
const PAYMENTS_MAX: usize = 3;
/// Looks at an order whose payment is not decided, and the pause between them.
const LOOKS_MAX: usize = 120;
const LOOK_PAUSE: Duration = Duration::from_secs(1);

const REFUSALS_OF_A_BAD_CARD: &[(u16, &str)] = &[(402, "payment-declined")];

/// States of an order whose payment may still go either way.
const UNDECIDED: [&str; 3] = ["PENDING", "PAYMENT_UNKNOWN", "ACTION_REQUIRED"];

/// What came of paying.
pub(super) enum Payment {
    Confirmed,
    /// No card was taken, or the order failed: choose again.
    NotConfirmed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Card {
    Good,
    Declined,
}

/// The order document, as far as a visitor needs it.
#[derive(Debug, Deserialize)]
struct OrderDocument {
    id: String,
    state: String,
    seats: Vec<String>,
    amount: Money,
}

#[derive(Debug, Deserialize)]
struct Money {
    amount: i64,
}

impl Visitor {
    /// Pays for the hold with this place in the journal.
    pub(super) async fn pay(&mut self, held: usize) -> Result<Payment, Lost> {
        let bad_first = self.crowd.scenario.buyer.declined_share.draw(&mut self.rng);
        let mut card = if bad_first {
            Card::Declined
        } else {
            Card::Good
        };
        for _ in 0..PAYMENTS_MAX {
            let answered = self.send_payment(held, card).await?;
            match (
                answered.answer.status.as_u16(),
                answered.answer.problem().as_deref(),
            ) {
                (200 | 201, _) => {
                    let order = self.read(&answered)?;
                    return Ok(self.settle(held, order, answered.span));
                }
                (202, _) => return self.await_decision(held, &answered).await,
                (402, _) => card = Card::Good,
                _ => return Err(Lost),
            }
        }
        Ok(Payment::NotConfirmed)
    }

    async fn send_payment(&mut self, held: usize, card: Card) -> Result<Answered, Lost> {
        let ask = Ask {
            side: Side::Booking,
            step: Step::Payment,
            due: None,
            request: self.payment_request(held, card)?,
            good: &[200, 201, 202],
            refusals: if card == Card::Declined {
                REFUSALS_OF_A_BAD_CARD
            } else {
                // The seats are held: a card that works pays for them.
                &[]
            },
        };
        let now = self.crowd.clock.now();
        self.visit.held[held].payment_sent.get_or_insert(now);
        self.ask(ask).await
    }

    fn payment_request(&mut self, held: usize, card: Card) -> Result<Outgoing, Lost> {
        let key = self.idempotency_key();
        let token = if card == Card::Declined {
            "tok_declined"
        } else {
            "tok_ok"
        };
        let body = serde_json::json!({ "method": { "kind": "card", "token": token } });
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/v1/holds/{}/payment", self.visit.held[held].hold))
            .header(header::AUTHORIZATION, self.user.clone())
            .header("idempotency-key", key)
            .header(header::CONTENT_TYPE, "application/json")
            .body(http_body_util::Full::from(body.to_string()));
        request.or(Err(Lost))
    }

    /// The payment gateway has not said yes or no: asks for the order until it has.
    async fn await_decision(&mut self, held: usize, first: &Answered) -> Result<Payment, Lost> {
        let Some(path) = first.answer.header(header::LOCATION).map(str::to_owned) else {
            return Err(self.note_unreadable(Step::Payment, first.span));
        };
        for _ in 0..LOOKS_MAX {
            let due = Some(self.crowd.clock.now() + LOOK_PAUSE);
            let ask = Ask {
                side: Side::Booking,
                step: Step::Order,
                due,
                request: self.order_request(&path)?,
                good: &[200],
                refusals: &[],
            };
            let answered = self.ask(ask).await?;
            let order: OrderDocument = self.read(&answered)?;
            if !UNDECIDED.contains(&order.state.as_str()) {
                return Ok(self.settle(held, order, answered.span));
            }
        }
        Err(Lost)
    }

    fn order_request(&self, path: &str) -> Result<Outgoing, Lost> {
        let request = Request::get(path)
            .header(header::AUTHORIZATION, self.user.clone())
            .body(http_body_util::Full::default());
        request.or(Err(Lost))
    }

    /// Writes down an order that has been decided.
    fn settle(&mut self, held: usize, order: OrderDocument, answered: Span) -> Payment {
        if order.state != "CONFIRMED" {
            return Payment::NotConfirmed;
        }
        self.crowd.tally.orders.add(1);
        self.crowd.tally.seats.add(order.seats.len() as u64);
        self.visit.held[held].order = Some(order.id.clone());
        self.visit.gave_up_slot = self.visit.held[held].payment_sent;
        self.visit.bought = Some(Bought {
            order: order.id,
            seats: order.seats,
            amount: order.amount.amount,
            answered,
        });
        Payment::Confirmed
    }
}
