//! Holds in the database. The steps themselves are functions of the database (migrations/0005_hold_steps.sql).

use jiff_sqlx::Timestamp;
use serde_json::Value;
use shared::tokens::admission::AdmissionClaims;
use uuid::Uuid;

use super::document::{HoldRow, HoldState};
use crate::database::{DatabaseError, Primary};
use crate::idempotency::Remembered;

/// Raised by step H when another transaction took a seat while ours waited for it.
pub(super) const SEATS_WERE_TAKEN: &str = "ON409";

/// What a step says: a word, and what belongs to it.
pub(super) struct Outcome {
    pub(super) word: String,
    pub(super) answer: Value,
}

/// Who asks for which seats.
pub(super) struct Ask<'a> {
    pub(super) hold: Uuid,
    pub(super) performance: i64,
    pub(super) buyer: &'a str,
    pub(super) admission: &'a AdmissionClaims,
    /// Distinct, ascending.
    pub(super) seats: &'a [i32],
    pub(super) remembered: &'a Remembered,
}

/// Step H.
pub(super) async fn create(primary: &Primary, ask: &Ask<'_>) -> Result<Outcome, DatabaseError> {
    let admission = sqlx::types::Json(ask.admission);
    let mut connection = primary.connection().await?;
    let row = sqlx::query!(
        r#"SELECT outcome AS "outcome!", answer FROM hold_seats($1, $2, $3, $4, $5, $6, $7, $8)"#,
        ask.hold,
        ask.performance,
        ask.buyer,
        admission as _,
        ask.seats,
        ask.remembered.route,
        ask.remembered.key.as_str(),
        &ask.remembered.fingerprint
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(Outcome {
        word: row.outcome,
        answer: row.answer.unwrap_or_default(),
    })
}

/// Why seats are not free at present, as step H would say it.
pub(super) async fn not_free(
    primary: &Primary,
    performance: i64,
    seats: &[i32],
) -> Result<Value, DatabaseError> {
    let mut connection = primary.connection().await?;
    let reasons = sqlx::query_scalar!(
        "SELECT seats_not_free($1, $2, clock_timestamp())",
        performance,
        seats
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(reasons.unwrap_or_default())
}

/// Step X, first half.
pub(super) async fn extend(
    primary: &Primary,
    hold: Uuid,
    buyer: &str,
    cap_seconds: u32,
) -> Result<Outcome, DatabaseError> {
    let mut connection = primary.connection().await?;
    let row = sqlx::query!(
        r#"SELECT outcome AS "outcome!", answer FROM extend_hold($1, $2, make_interval(secs => $3))"#,
        hold,
        buyer,
        f64::from(cap_seconds)
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(Outcome {
        word: row.outcome,
        answer: row.answer.unwrap_or_default(),
    })
}

/// Step X, second half.
pub(super) async fn release(
    primary: &Primary,
    hold: Uuid,
    buyer: &str,
) -> Result<Outcome, DatabaseError> {
    let mut connection = primary.connection().await?;
    let row = sqlx::query!(
        r#"SELECT outcome AS "outcome!", answer FROM release_hold($1, $2)"#,
        hold,
        buyer
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(Outcome {
        word: row.outcome,
        answer: row.answer.unwrap_or_default(),
    })
}

/// A buyer's own hold.
pub(super) async fn get(
    primary: &Primary,
    hold: Uuid,
    buyer: &str,
) -> Result<Option<HoldRow>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let row = sqlx::query!(
        r#"
        SELECT h.id, h.performance_id, p.layout_id, h.seats, h.amount, h.currency, h.state AS "state: HoldState",
               h.expires_at AS "expires_at: Timestamp",
               (h.state = 'ACTIVE' AND h.expires_at <= statement_timestamp()) AS "expired!"
          FROM hold h JOIN performance p ON p.id = h.performance_id
         WHERE h.id = $1 AND h.buyer = $2
        "#,
        hold,
        buyer
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(row.map(|row| HoldRow {
        id: row.id,
        performance: row.performance_id,
        layout: row.layout_id,
        seats: row.seats,
        amount: row.amount,
        currency: row.currency,
        state: row.state,
        expires_at: row.expires_at.to_jiff(),
        expired: row.expired,
    }))
}

/// The admission that a hold was made with.
pub(super) async fn admission(
    primary: &Primary,
    hold: Uuid,
) -> Result<AdmissionClaims, DatabaseError> {
    let mut connection = primary.connection().await?;
    let admission = sqlx::query_scalar!(
        r#"SELECT admission AS "admission: sqlx::types::Json<AdmissionClaims>" FROM hold WHERE id = $1"#,
        hold
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(admission.0)
}

impl From<crate::idempotency::Earlier> for Outcome {
    fn from(earlier: crate::idempotency::Earlier) -> Self {
        match earlier {
            crate::idempotency::Earlier::Same(answer) => Self {
                word: "REPEATED".to_owned(),
                answer,
            },
            crate::idempotency::Earlier::Other => Self {
                word: "MISMATCH".to_owned(),
                answer: Value::Null,
            },
        }
    }
}
