//! The visitor document: what a visitor is told at join and at each poll, and how it is made.

use std::cmp::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use shared::clock;
use shared::ids::RoomName;
use shared::problem::Problem;
use shared::room::{Admission, ClaimOutcome, ClaimRequest, Promise, RoomState};
use shared::tokens::ISSUER;
use shared::tokens::admission::AdmissionClaims;
use shared::tokens::waiting::WaitingClaims;

use super::problems;
use crate::app::App;
use crate::rooms::Room;
use crate::rooms::snapshot::Snapshot;

/// A token of a life that the snapshot does not know yet is believed for so long; a snapshot follows within one.
const YOUNG_SECONDS: i64 = 10;

/// What a visitor is told. `state` decides which of the other members are there.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum VisitorDocument {
    /// In the line.
    Waiting(Waiting),
    /// Let in.
    Admitted(Admitted),
    /// Did not come in time; joining again gives a new number.
    Lapsed(Over),
    /// Gave the place up.
    Left(Over),
    /// Has what it came for.
    Finished(Over),
    /// The room is over.
    Closed(Over),
}

/// A visitor in the line.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Waiting {
    #[schema(value_type = String, example = "main")]
    room: RoomName,
    /// The order of arrival. Never changes.
    number: u64,
    /// People in front, plus one. 1 = next.
    position: u64,
    /// Expected wait; `null` when nobody is being admitted.
    eta_seconds: Option<u64>,
    /// When to poll next.
    poll_after_ms: u64,
    /// The line cannot be read at present; the position is the last known one.
    stale: bool,
    /// The shop is not well; admission waits for it.
    busy: bool,
    /// Nothing is left to buy.
    sold_out: bool,
    /// The waiting token, at join and when it is renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A visitor who may go to the shop.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Admitted {
    #[schema(value_type = String, example = "main")]
    room: RoomName,
    number: u64,
    /// The proof that the shop asks for.
    pub(super) admission_token: String,
    /// When the visitor was let in, by the clock of the line.
    #[serde(rename = "admitted_at")]
    #[schema(value_type = String, format = DateTime)]
    let_in_at: Timestamp,
    /// Until when the admission lasts.
    #[schema(value_type = String, format = DateTime)]
    pub(super) expires_at: Timestamp,
    /// Where to go.
    pub(super) booking_url: String,
    /// The waiting token, where the visitor has just joined again.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A visitor for whom it is over.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Over {
    #[schema(value_type = String, example = "main")]
    room: RoomName,
    number: u64,
}

impl VisitorDocument {
    /// The same document with a waiting token in it.
    pub(super) fn with_token(mut self, fresh: String) -> Self {
        match &mut self {
            Self::Waiting(Waiting { token, .. }) | Self::Admitted(Admitted { token, .. }) => {
                *token = Some(fresh);
            }
            Self::Lapsed(_) | Self::Left(_) | Self::Finished(_) | Self::Closed(_) => {}
        }
        self
    }

    /// When the visitor should ask again; `None` when there is nothing to wait for.
    pub(crate) fn poll_after(&self) -> Option<Duration> {
        match self {
            Self::Waiting(waiting) => Some(Duration::from_millis(waiting.poll_after_ms)),
            _ => None,
        }
    }

    /// For how long a visitor in the line may be silent from now on; `None` for whoever is not in it.
    pub(super) fn promise(&self) -> Option<Promise> {
        // Two seconds of grace: a flush, a tick and the deadline of a call fit in.
        let after = self.poll_after()?;
        Some(Promise::of(after + Duration::from_secs(2) + after / 10))
    }

    /// Position and expected seconds of a visitor in the line.
    pub(super) fn position(&self) -> Option<(u64, Option<u64>)> {
        match self {
            Self::Waiting(waiting) => Some((waiting.position, waiting.eta_seconds)),
            _ => None,
        }
    }
}

/// What somebody who joins now will promise, as far as the snapshot knows.
pub(super) fn promise_of_a_join(room: &Room) -> Promise {
    let snapshot = room.snapshot();
    let eta = snapshot
        .as_deref()
        .and_then(|snapshot| eta_seconds(snapshot, snapshot.waiting + 1));
    let after = Duration::from_millis(poll_after_ms(eta, 1.1));
    Promise::of(after + Duration::from_secs(2) + after / 10)
}

/// What the visitor of `claims` is told now, which is a beat. Asks Redis only when the visitor's turn seems to have come.
pub(super) async fn of(
    app: &App,
    room: &Room,
    claims: &WaitingClaims,
) -> Result<VisitorDocument, Problem> {
    let snapshot = room.snapshot();
    let Some(snapshot) = snapshot.as_deref() else {
        return Err(problems::line_unavailable());
    };
    let document = told(app, room, snapshot, claims).await?;
    if let Some(promise) = document.promise() {
        room.seen(claims, promise);
    }
    Ok(document)
}

async fn told(
    app: &App,
    room: &Room,
    snapshot: &Snapshot,
    claims: &WaitingClaims,
) -> Result<VisitorDocument, Problem> {
    if check_life(snapshot, claims)? == Ordering::Greater {
        return Ok(ahead_of_snapshot(claims));
    }
    if let Some(outcome) = room.known_outcome(claims.life, claims.num) {
        return decided(app, claims, snapshot, outcome);
    }
    if !snapshot.has_departed(claims.num.0) {
        return Ok(waiting(claims, snapshot, snapshot.is_stale()));
    }
    let request = ClaimRequest {
        visitor: claims.sub.clone(),
        number: claims.num,
        life: claims.life,
    };
    match room.claim(request).await {
        Ok(outcome) => decided(app, claims, snapshot, outcome),
        // Nothing is lost: the next poll asks again.
        Err(_unavailable) => Ok(waiting(claims, snapshot, true)),
    }
}

/// That the token is of the life of the room that was read (equal), or of one that followed since (greater).
pub(super) fn check_life(snapshot: &Snapshot, claims: &WaitingClaims) -> Result<Ordering, Problem> {
    match claims.life.cmp(&snapshot.settings.life) {
        Ordering::Equal => Ok(Ordering::Equal),
        // The room was made anew since it was read; a join knows that first, from Redis itself. Long afterwards it
        // means that the clock of Redis was put back between two lives.
        Ordering::Greater if snapshot.is_stale() || is_young(claims) => Ok(Ordering::Greater),
        Ordering::Less | Ordering::Greater => Err(problems::waiting_token_invalid()),
    }
}

fn decided(
    app: &App,
    claims: &WaitingClaims,
    snapshot: &Snapshot,
    outcome: ClaimOutcome,
) -> Result<VisitorDocument, Problem> {
    let over = || Over {
        room: claims.room.clone(),
        number: claims.num.0,
    };
    Ok(match outcome {
        ClaimOutcome::Admitted(admission) => {
            VisitorDocument::Admitted(admitted(app, claims, &admission)?)
        }
        ClaimOutcome::Waiting => waiting(claims, snapshot, snapshot.is_stale()),
        ClaimOutcome::Left => VisitorDocument::Left(over()),
        ClaimOutcome::Finished => VisitorDocument::Finished(over()),
        ClaimOutcome::Lapsed => VisitorDocument::Lapsed(over()),
        ClaimOutcome::Void => return Err(problems::waiting_token_invalid()),
    })
}

/// What a visitor in the line is told.
pub(crate) fn waiting(claims: &WaitingClaims, snapshot: &Snapshot, stale: bool) -> VisitorDocument {
    let room = claims.room.clone();
    if snapshot.settings.state == RoomState::Closed {
        return VisitorDocument::Closed(Over {
            room,
            number: claims.num.0,
        });
    }
    let position = snapshot.position(claims.num.0);
    let eta_seconds = eta_seconds(snapshot, position);
    VisitorDocument::Waiting(Waiting {
        room,
        number: claims.num.0,
        position,
        eta_seconds,
        poll_after_ms: poll_after_ms(eta_seconds, rand::random_range(0.9..1.1)),
        stale,
        busy: snapshot.shop.is_some_and(|shop| shop.is_busy),
        sold_out: snapshot.shop.is_some_and(|shop| shop.is_sold_out()),
        token: None,
    })
}

/// Of the life to which the token belongs nothing is known yet but that nobody is further behind.
fn ahead_of_snapshot(claims: &WaitingClaims) -> VisitorDocument {
    VisitorDocument::Waiting(Waiting {
        room: claims.room.clone(),
        number: claims.num.0,
        position: claims.num.0,
        eta_seconds: None,
        poll_after_ms: poll_after_ms(Some(0), rand::random_range(0.9..1.1)),
        stale: true,
        busy: false,
        sold_out: false,
        token: None,
    })
}

/// Whether a token is so new that the snapshot may not know its life yet.
fn is_young(claims: &WaitingClaims) -> bool {
    clock::now_seconds().saturating_sub(claims.iat) <= YOUNG_SECONDS
}

/// Expected wait of somebody at `position`; `None` when nobody is being admitted.
pub(super) fn eta_seconds(snapshot: &Snapshot, position: u64) -> Option<u64> {
    let settings = &snapshot.settings;
    let rate = settings
        .rate_per_second
        .filter(|rate| *rate > 0.0 && settings.state.admits())?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate in seconds; a conversion of floats saturates"
    )]
    let seconds = (position as f64 / rate).ceil() as u64;
    Some(seconds)
}

/// A tenth of the expected wait, from 1 s in front to 30 s behind; 10 s while nobody is admitted.
/// `jitter` around 1 keeps those who came together from coming back together.
fn poll_after_ms(eta_seconds: Option<u64>, jitter: f64) -> u64 {
    let base = eta_seconds.map_or(10_000, |eta| eta.saturating_mul(100).clamp(1_000, 30_000));
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 33,000"
    )]
    let jittered = (base as f64 * jitter) as u64;
    jittered
}

fn admitted(app: &App, claims: &WaitingClaims, admission: &Admission) -> Result<Admitted, Problem> {
    let since = clock::from_millis(admission.since_ms);
    let until = clock::from_millis(admission.until_ms);
    let token = app.admissions.sign(&AdmissionClaims {
        iss: ISSUER.to_owned(),
        sub: claims.sub.clone(),
        aud: claims.room.clone(),
        num: claims.num,
        jti: admission.jti,
        iat: since.as_second(),
        nbf: since.as_second(),
        exp: until.as_second(),
    });
    Ok(Admitted {
        room: claims.room.clone(),
        number: claims.num.0,
        admission_token: token.map_err(|error| problems::internal(&error))?,
        let_in_at: since,
        expires_at: until,
        booking_url: app.booking_url.replace("{room}", claims.room.as_str()),
        token: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_in_front_ask_every_second_and_those_behind_more_seldom() {
        assert_eq!(poll_after_ms(Some(0), 1.0), 1_000);
        assert_eq!(poll_after_ms(Some(10), 1.0), 1_000);
        assert_eq!(poll_after_ms(Some(100), 1.0), 10_000);
        assert_eq!(poll_after_ms(Some(u64::MAX), 1.0), 30_000);
        assert_eq!(poll_after_ms(None, 1.0), 10_000);
        assert_eq!(poll_after_ms(Some(100), 0.9), 9_000);
    }
}
