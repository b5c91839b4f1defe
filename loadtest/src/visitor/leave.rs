//! Leaving: `DELETE …/visitors/me` gives the place, or the slot in the shop, to somebody else.

use http::{Method, Request, header};

use crate::journal::Step;

use super::Visitor;
use super::asking::{Ask, Side};

impl Visitor {
    pub(super) async fn leave(&mut self) {
        let Some(waiting) = self.waiting.clone() else {
            return;
        };
        let request = Request::builder()
            .method(Method::DELETE)
            .uri(format!("/v1/rooms/{}/visitors/me", self.crowd.room))
            .header(header::AUTHORIZATION, waiting)
            .body(http_body_util::Full::default())
            .expect("a room name makes a path");
        self.visit.gave_up_slot = Some(self.crowd.clock.now());
        let ask = Ask {
            side: Side::Gatekeeper,
            step: Step::Leave,
            due: None,
            request,
            good: &[204],
            refusals: &[],
        };
        // Whether it worked is in the journal; there is nothing else to do about it here.
        let left = self
            .ask(ask)
            .await
            .is_ok_and(|left| left.answer.status.as_u16() == 204);
        self.gatekeeper.close();
        if left {
            self.probe_the_ended_admission().await;
        }
    }
}
