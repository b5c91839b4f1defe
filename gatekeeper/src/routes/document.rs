//! The visitor document: what a visitor is told at join and at each poll, and how it is made.

use std::cmp::Ordering;
use std::sync::Arc;
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
use crate::estimate::{Reason, Wait};
use crate::interval::Jitter;
use crate::pace::{Pace, PollPlan};
use crate::rooms::Room;
use crate::rooms::snapshot::Snapshot;

/// A token of a life that the snapshot does not know yet is believed for so long; a snapshot follows within one.
const YOUNG_SECONDS: i64 = 10;

/// On what occasion a visitor is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Just joined, or joined again.
    Join,
    /// Asked for it; `is_hidden`: by a page that nobody sees.
    Poll { is_hidden: bool },
}

impl Occasion {
    fn plan(self, pace: &Pace, position: u64) -> PollPlan {
        let phase = rand::random_range(0.0..1.0);
        match self {
            Self::Join => pace.plan(position, Jitter::after_join(phase), false),
            Self::Poll { is_hidden } => pace.plan(position, Jitter::after_poll(phase), is_hidden),
        }
    }
}

/// A visitor in one snapshot.
struct Seen<'room> {
    snapshot: &'room Snapshot,
    position: u64,
    plan: PollPlan,
}

impl<'room> Seen<'room> {
    fn by(claims: &WaitingClaims, snapshot: &'room Snapshot, occasion: Occasion) -> Self {
        let position = snapshot.position(snapshot.place_of(claims.num));
        Self {
            snapshot,
            position,
            plan: occasion.plan(&snapshot.pace, position),
        }
    }

    /// Whether a poll may come already; `Err` is by how much it is too early.
    fn is_due(
        &self,
        app: &App,
        claims: &WaitingClaims,
        occasion: Occasion,
    ) -> Result<(), Duration> {
        if occasion == Occasion::Join {
            return Ok(());
        }
        let interval = self.snapshot.pace.interval(self.position, &self.plan);
        app.early_polls.count(claims, interval)
    }
}

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
#[expect(
    clippy::struct_excessive_bools,
    reason = "the contract names each of them"
)]
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Waiting {
    #[schema(value_type = String, example = "main")]
    room: RoomName,
    /// The order of arrival. Never changes.
    number: u64,
    /// People in front, plus one. 1 = next.
    position: u64,
    /// Places are drawn by lot at the opening; until then the position says only who came when.
    #[serde(skip_serializing_if = "is_false")]
    lobby: bool,
    /// Expected wait; `null` when nobody is being admitted.
    eta_seconds: Option<u64>,
    /// The wait is longer than `eta_seconds`, nobody knows how much.
    #[serde(skip_serializing_if = "is_false")]
    eta_is_capped: bool,
    /// Why the expected wait has become longer of late, or is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    eta_reason: Option<Reason>,
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

impl Waiting {
    /// `None` while the places are not drawn.
    pub(super) fn position(&self) -> Option<u64> {
        (!self.lobby).then_some(self.position)
    }

    /// When the visitor should ask again.
    pub(super) fn poll_after(&self) -> Duration {
        Duration::from_millis(self.poll_after_ms)
    }

    /// The expected wait.
    pub(super) fn wait(&self) -> Wait {
        Wait {
            seconds: self.eta_seconds,
            is_capped: self.eta_is_capped,
        }
    }

    /// Nothing is left to buy.
    pub(super) fn is_sold_out(&self) -> bool {
        self.sold_out
    }

    /// Why it has become longer.
    pub(super) fn reason(&self) -> Option<Reason> {
        self.eta_reason
    }
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
            Self::Waiting(waiting) => Some(waiting.poll_after()),
            _ => None,
        }
    }
}

/// What somebody who joins now will promise at most, as far as the snapshot knows.
pub(super) fn promise_of_a_join(room: &Room) -> Promise {
    let snapshot = room.snapshot();
    let (pace, waiting) = snapshot
        .as_deref()
        .map_or_else(Default::default, |snapshot| {
            (snapshot.pace, snapshot.waiting)
        });
    let plan = pace.plan(waiting + 1, Jitter::after_join(1.0), false);
    Promise::of(plan.promised)
}

/// What the visitor of `claims` is told now, which is a beat. Asks Redis only when the visitor's turn seems to have come.
/// A poll that comes far too early is a problem, and a beat all the same.
pub(super) async fn of(
    app: &App,
    room: &Room,
    claims: &Arc<WaitingClaims>,
    occasion: Occasion,
) -> Result<VisitorDocument, Problem> {
    let snapshot = room.snapshot();
    let Some(snapshot) = snapshot.as_deref() else {
        return Err(problems::line_unavailable());
    };
    let life = check_life(snapshot, claims)?;
    let seen = Seen::by(claims, snapshot, occasion);
    let promise = Promise::of(seen.plan.promised);
    if life == Ordering::Greater {
        room.seen(claims, promise);
        return Ok(ahead_of_snapshot(claims, &seen));
    }
    if let Err(wait) = seen.is_due(app, claims, occasion) {
        // A beat all the same, and of somebody absent the return. Who is over stays so, whatever beats say.
        if room.known_outcome(claims.life, claims.num).is_none() {
            room.seen(claims, promise);
        }
        return Err(problems::too_early(wait));
    }
    let document = told(app, room, &seen, claims).await?;
    if matches!(document, VisitorDocument::Waiting(_)) {
        room.seen(claims, promise);
    }
    Ok(document)
}

async fn told(
    app: &App,
    room: &Room,
    seen: &Seen<'_>,
    claims: &WaitingClaims,
) -> Result<VisitorDocument, Problem> {
    let snapshot = seen.snapshot;
    if let Some(outcome) = room.known_outcome(claims.life, claims.num) {
        return decided(app, claims, seen, outcome);
    }
    if !snapshot.has_departed(snapshot.place_of(claims.num)) {
        return Ok(waiting_as(claims, seen, snapshot.is_stale()));
    }
    let request = ClaimRequest {
        visitor: claims.sub.clone(),
        number: claims.num,
        life: claims.life,
    };
    match Box::pin(room.claim(request)).await {
        Ok(outcome) => decided(app, claims, seen, outcome),
        // Nothing is lost: the next poll asks again.
        Err(_unavailable) => Ok(waiting_as(claims, seen, true)),
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
    seen: &Seen<'_>,
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
        ClaimOutcome::Waiting => waiting_as(claims, seen, seen.snapshot.is_stale()),
        ClaimOutcome::Left => VisitorDocument::Left(over()),
        ClaimOutcome::Finished => VisitorDocument::Finished(over()),
        ClaimOutcome::Lapsed => VisitorDocument::Lapsed(over()),
        ClaimOutcome::Void => return Err(problems::waiting_token_invalid()),
    })
}

/// What a visitor in the line would be told by a poll.
pub(crate) fn waiting(claims: &WaitingClaims, snapshot: &Snapshot, stale: bool) -> VisitorDocument {
    let poll = Occasion::Poll { is_hidden: false };
    waiting_as(claims, &Seen::by(claims, snapshot, poll), stale)
}

fn waiting_as(claims: &WaitingClaims, seen: &Seen<'_>, stale: bool) -> VisitorDocument {
    let room = claims.room.clone();
    if seen.snapshot.settings.state == RoomState::Closed {
        return VisitorDocument::Closed(Over {
            room,
            number: claims.num.0,
        });
    }
    let estimate = seen.snapshot.pace.estimate();
    let wait = estimate.wait(seen.position);
    let shop = seen.snapshot.shop;
    VisitorDocument::Waiting(Waiting {
        room,
        number: claims.num.0,
        position: seen.position,
        lobby: seen.snapshot.is_in_lobby(claims.num),
        eta_seconds: wait.seconds,
        eta_is_capped: wait.is_capped,
        eta_reason: estimate.reason,
        poll_after_ms: millis(seen.plan),
        stale,
        busy: shop.is_some_and(|shop| shop.is_busy),
        sold_out: shop.is_some_and(|shop| shop.is_sold_out()),
        token: None,
    })
}

/// Of the life to which the token belongs nothing is known yet but that nobody is further behind.
fn ahead_of_snapshot(claims: &WaitingClaims, seen: &Seen<'_>) -> VisitorDocument {
    VisitorDocument::Waiting(Waiting {
        room: claims.room.clone(),
        number: claims.num.0,
        position: claims.num.0,
        lobby: false,
        eta_seconds: None,
        eta_is_capped: false,
        eta_reason: None,
        poll_after_ms: millis(seen.plan),
        stale: true,
        busy: false,
        sold_out: false,
        token: None,
    })
}

fn millis(plan: PollPlan) -> u64 {
    u64::try_from(plan.poll_after.as_millis()).expect("an interval is at most a quarter of an hour")
}

/// Whether a token is so new that the snapshot may not know its life yet.
fn is_young(claims: &WaitingClaims) -> bool {
    clock::now_seconds().saturating_sub(claims.iat) <= YOUNG_SECONDS
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !flag
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
