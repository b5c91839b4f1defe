//! Looking at the house: `GET …/seats` as a 2-bit map, with the ETag of the last look.

use http::{HeaderValue, Request, header};

use crate::client::Outgoing;
use crate::clock::Moment;
use crate::journal::Step;
use crate::seat_map::SeatMap;

use super::asking::{Answered, Ask, Side};
use super::{Lost, Visitor};

/// The last map that a visitor saw.
pub(super) struct Seen {
    map: SeatMap,
    etag: Option<HeaderValue>,
}

impl Visitor {
    pub(super) async fn look(&mut self, due: Option<Moment>) -> Result<SeatMap, Lost> {
        let ask = Ask {
            side: Side::Booking,
            step: Step::Seats,
            due,
            request: self.look_request()?,
            good: &[200, 304],
            refusals: &[],
        };
        let Answered { answer, span, .. } = self.ask(ask).await?;
        let seats = self.crowd.house.seat_count();
        match (answer.status.as_u16(), &self.seen) {
            (304, Some(seen)) => Ok(seen.map.clone()),
            (200, _) => {
                let Some(map) = SeatMap::of(answer.body, seats) else {
                    return Err(self.note_unreadable(Step::Seats, span));
                };
                let etag = answer.headers.get(header::ETAG).cloned();
                self.seen = Some(Seen {
                    map: map.clone(),
                    etag,
                });
                Ok(map)
            }
            _ => Err(Lost),
        }
    }

    fn look_request(&self) -> Result<Outgoing, Lost> {
        let mut request = Request::get(self.crowd.house.seats_path())
            .header(header::AUTHORIZATION, self.user.clone())
            .header(header::ACCEPT, "application/octet-stream")
            .header("admission-token", self.admission.clone().ok_or(Lost)?);
        if let Some(etag) = self.seen.as_ref().and_then(|seen| seen.etag.clone()) {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        Ok(request
            .body(http_body_util::Full::default())
            .expect("a performance id makes a path"))
    }
}
