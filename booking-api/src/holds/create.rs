//! `POST /v1/performances/{id}/holds`: reserve seats for one admitted buyer until the hold expires.
//!
//! Invariant: a seat is in at most one live hold. PostgreSQL decides, by one conditional UPDATE that also
//! takes expired holds. The Redis lock only thins the crowd: losing Redis costs speed, never a seat.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use shared::tokens::admission::AdmissionClaims;
use uuid::Uuid;

use super::answer::{answer, contended, not_free, refused};
use super::document::HoldDocument;
use super::lock::Acquired;
use super::request::{NewHold, Wanted};
use super::store::{self, Ask, Outcome};
use crate::app::{App, SharedApp};
use crate::database::DatabaseError;
use crate::error::ApiError;
use crate::http::{Id, JsonBody};
use crate::idempotency::{IdempotencyKey, Remembered};
use crate::identity::{Admission, User};
use crate::layouts::Layout;
use crate::performances::Performance;
use crate::{idempotency, problems, seats};

const ROUTE: &str = "POST /v1/performances/{id}/holds";
/// How often the server chooses other seats when those it chose were taken meanwhile.
const CHOICES_MOST: usize = 5;

/// Hold seats
#[utoipa::path(post, path = "/v1/performances/{id}/holds", tag = "buyers", request_body = NewHold,
    params(("id" = i64, Path), ("Idempotency-Key" = String, Header)),
    security(("user_token" = [], "admission_token" = [])),
    responses((status = 201, body = HoldDocument),
        (status = 403, description = "admission-required, admission-expired, admission-not-yours, sale-not-open"),
        (status = 409, description = "seat-taken, hold-exists"),
        (status = 422, description = "unknown-seat, too-many-seats, idempotency-mismatch")))]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    user: User,
    Id(id): Id<i64>,
    admission: Admission,
    key: IdempotencyKey,
    JsonBody(request): JsonBody<NewHold>,
) -> Result<Response, ApiError> {
    let performance = app.performances.get(id).await?;
    let layout = app
        .layouts
        .get(performance.layout)
        .await
        .map_err(ApiError::Shared)?;
    let remembered = Remembered::new(ROUTE, key, &(id, &request));
    // Repeating a request needs only the buyer: the admission may have ended since.
    let admitted = admission.check(&app, &user, &performance).await;
    if let Some(earlier) = idempotency::answered(&app.primary, &user, &remembered).await? {
        return answer(Outcome::from(earlier), id, &layout).map(created);
    }
    let admission = admitted?;
    let wanted = request.check(&performance, &layout)?;
    let attempt = Attempt {
        app: Arc::clone(&app),
        user,
        performance,
        layout,
        admission,
        remembered,
    };
    let held = app.tasks.run_to_end(async move {
        match wanted {
            Wanted::Seats(seats) => attempt.hold(&seats).await,
            Wanted::Best { count, tier } => attempt.hold_best(&tier, count).await,
        }
    });
    held.await.map(created)
}

fn created(hold: HoldDocument) -> Response {
    let location = [(LOCATION, format!("/v1/holds/{}", hold.id()))];
    (StatusCode::CREATED, location, Json(hold)).into_response()
}

/// One buyer's attempt to hold seats.
struct Attempt {
    app: SharedApp,
    user: User,
    performance: Arc<Performance>,
    layout: Arc<Layout>,
    admission: AdmissionClaims,
    remembered: Remembered,
}

impl Attempt {
    /// All of `seats`, or none.
    async fn hold(&self, seats: &[i32]) -> Result<HoldDocument, ApiError> {
        let (id, app) = (self.performance.id, &self.app);
        // Kept until the end: a lock, or a place among the few that do without.
        let (lock, _place) = match app.seat_locks.acquire(id, seats).await {
            Acquired::Locked(lock) => (Some(lock), None),
            Acquired::Unlocked(place) => (None, Some(place)),
            Acquired::Refused(refusals) => {
                return Err(refused(&refusals, seats, &self.layout).into());
            }
            Acquired::Crowded => return Err(problems::overloaded().into()),
        };
        let hold = Uuid::now_v7();
        let outcome = self.step(hold, seats).await;
        if let Some(lock) = lock {
            // After COMMIT. A crash right here leaves it to the lock's own end.
            let was_held = outcome.as_ref().is_ok_and(|outcome| outcome.word == "HELD");
            lock.release(was_held.then_some((hold, self.performance.hold_ttl)))
                .await;
        }
        let document = answer(outcome?, id, &self.layout)?;
        self.app.snapshots.changed(id);
        self.stretch_admission(&document);
        Ok(document)
    }

    async fn step(&self, hold: Uuid, seats: &[i32]) -> Result<Outcome, ApiError> {
        let ask = Ask {
            hold,
            performance: self.performance.id,
            buyer: self.user.id(),
            admission: &self.admission,
            seats,
            remembered: &self.remembered,
        };
        match store::create(&self.app.primary, &ask).await {
            Err(DatabaseError::LockTimeout(_)) => Err(contended(seats, &self.layout).into()),
            Err(error) if error.is_refusal(store::SEATS_WERE_TAKEN) => {
                self.say_who_was_faster(seats).await
            }
            Err(error) if error.is_refusal(idempotency::KEY_IN_USE) => {
                Err(problems::idempotency_mismatch().into())
            }
            outcome => Ok(outcome?),
        }
    }

    async fn say_who_was_faster(&self, seats: &[i32]) -> Result<Outcome, ApiError> {
        let reasons = store::not_free(&self.app.primary, self.performance.id, seats).await?;
        // It may have been released again by now.
        let was_released = reasons.is_null();
        let problem = if was_released {
            contended(seats, &self.layout)
        } else {
            not_free(reasons, &self.layout)?
        };
        Err(problem.into())
    }

    /// Neighbours that are free as far as we know; chosen again when somebody was faster.
    async fn hold_best(&self, tier: &str, count: usize) -> Result<HoldDocument, ApiError> {
        let mut last = None;
        for _ in 0..CHOICES_MOST {
            let snapshot = self
                .app
                .snapshots
                .get(self.performance.id, &self.layout)
                .await?;
            let Some(chosen) = seats::neighbours(&self.layout, &snapshot, tier, count) else {
                break;
            };
            match self.hold(&chosen).await {
                Err(ApiError::Refused(problem)) if problem.slug() == "seat-taken" => {
                    self.app.snapshots.changed(self.performance.id);
                    last = Some(problem);
                }
                decided => return decided,
            }
        }
        let none_left = || Box::new(problems::seat_taken(Vec::new()));
        Err(ApiError::Refused(last.unwrap_or_else(none_left)))
    }

    /// Who holds seats may stay until the hold ends. Beside the answer: the token alone would do.
    fn stretch_admission(&self, hold: &HoldDocument) {
        let (app, admission, until) = (
            Arc::clone(&self.app),
            self.admission.clone(),
            hold.expires_at(),
        );
        self.app
            .tasks
            .run_beside(async move { App::stretch(&app, &admission, until).await });
    }
}
