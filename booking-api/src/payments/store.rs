//! Payments in the database. The steps themselves are functions of the database (migrations/0006_payment_steps.sql).

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::database::{DatabaseError, Primary};
use crate::idempotency::Remembered;
use crate::settings::{Mode, PaymentArgs};

/// How money is taken, as the database spells it.
#[derive(Debug, Clone, Copy, sqlx::Type)]
#[sqlx(type_name = "payment_mode", rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum PaymentMode {
    Authorize,
    Charge,
}

/// What a step says: a word, and what belongs to it.
pub(super) struct Outcome {
    pub(super) word: String,
    pub(super) answer: Value,
}

/// One attempt to pay.
pub(super) struct Attempt<'a> {
    pub(super) hold: Uuid,
    pub(super) buyer: &'a str,
    pub(super) order: Uuid,
    pub(super) payment: Uuid,
    pub(super) mode: Mode,
    pub(super) gateway: &'a str,
    pub(super) method: &'a Value,
    pub(super) remembered: &'a Remembered,
    /// After which somebody has to look after it.
    pub(super) due_in: Duration,
    /// False while the gateway cannot be called.
    pub(super) may_start: bool,
    pub(super) limits: &'a PaymentArgs,
}

/// Step P.
pub(super) async fn begin(
    primary: &Primary,
    attempt: &Attempt<'_>,
) -> Result<Outcome, DatabaseError> {
    let limits = attempt.limits;
    let mut connection = primary.connection().await?;
    let row = sqlx::query!(
        r#"
        SELECT outcome AS "outcome!", answer FROM begin_payment(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
            make_interval(secs => $11), make_interval(secs => $12), $13, $14)
        "#,
        attempt.hold,
        attempt.buyer,
        attempt.order,
        attempt.payment,
        PaymentMode::from(attempt.mode) as _,
        attempt.gateway,
        attempt.method,
        attempt.remembered.route,
        attempt.remembered.key.as_str(),
        &attempt.remembered.fingerprint,
        f64::from(limits.hold_cap_seconds),
        attempt.due_in.as_secs_f64(),
        limits.payment_attempts,
        attempt.may_start
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(Outcome {
        word: row.outcome,
        answer: row.answer.unwrap_or_default(),
    })
}

/// Why a payment took no money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declined {
    /// The gateway's word on the payment.
    ByGateway,
    /// Our one call was refused. Says nothing about a call that somebody has repeated meanwhile.
    Refused,
    /// Our one call was never sent: the attempt is given back.
    NotSent,
}

/// Step D.
pub(super) async fn decline(
    primary: &Primary,
    payment: Uuid,
    reason: &str,
    declined: Declined,
    limits: &PaymentArgs,
) -> Result<String, DatabaseError> {
    let mut connection = primary.connection_to_finish().await?;
    let outcome = sqlx::query_scalar!(
        r#"SELECT decline_payment($1, $2, $3, $4, make_interval(secs => $5)) AS "outcome!""#,
        payment,
        reason,
        declined != Declined::NotSent,
        declined != Declined::ByGateway,
        f64::from(limits.hold_after_decline_seconds)
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(outcome)
}

/// Step C.
pub(super) async fn confirm(
    primary: &Primary,
    payment: Uuid,
    reference: &str,
    is_charged: bool,
) -> Result<Outcome, DatabaseError> {
    let mut connection = primary.connection_to_finish().await?;
    let row = sqlx::query!(
        r#"SELECT outcome AS "outcome!", answer FROM confirm_payment($1, $2, $3)"#,
        payment,
        reference,
        is_charged
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(Outcome {
        word: row.outcome,
        answer: row.answer.unwrap_or_default(),
    })
}

/// The payment is to come to nothing: the outbox tells the gateway to forget it.
pub(super) async fn give_up(
    primary: &Primary,
    payment: Uuid,
    reason: &str,
) -> Result<String, DatabaseError> {
    let mut connection = primary.connection_to_finish().await?;
    let outcome = sqlx::query_scalar!(
        r#"SELECT give_up_payment($1, $2) AS "outcome!""#,
        payment,
        reason
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(outcome)
}

/// Nobody knows whether money was taken: somebody looks after it in `pause`, and the buyer is told to ask again.
pub(super) async fn mark_unknown(
    primary: &Primary,
    payment: Uuid,
    pause: Duration,
) -> Result<(), DatabaseError> {
    let mut connection = primary.connection_to_finish().await?;
    let order = sqlx::query_scalar!(
        "UPDATE payment SET due_at = clock_timestamp() + make_interval(secs => $2)
          WHERE id = $1 AND state = 'SENT' RETURNING order_id",
        payment,
        pause.as_secs_f64()
    )
    .fetch_optional(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE orders SET state = 'PAYMENT_UNKNOWN' WHERE id = $1 AND state = 'PENDING'
            AND EXISTS (SELECT FROM payment WHERE id = $2 AND state = 'SENT')",
        order,
        payment
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// A payment that nobody has decided.
pub(super) struct Unresolved {
    pub(super) payment: Uuid,
    pub(super) order: Uuid,
    pub(super) performance: i64,
    pub(super) mode: PaymentMode,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) method: Option<Value>,
    /// How often somebody has looked after it, this time included.
    pub(super) calls: i32,
    /// Whether its seats may be another buyer's by now.
    pub(super) is_too_late: bool,
}

/// Takes some payments to look after, for as long as `lease`; their orders become PAYMENT_UNKNOWN.
pub(super) async fn claim(
    primary: &Primary,
    most: i64,
    lease: Duration,
) -> Result<Vec<Unresolved>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let claimed = sqlx::query_as!(
        Unresolved,
        r#"
        WITH due AS (
            SELECT id FROM payment WHERE state = 'SENT' AND due_at <= clock_timestamp()
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        UPDATE payment p
           SET due_at = clock_timestamp() + make_interval(secs => $2), calls = p.calls + 1
          FROM due, orders o, hold h
         WHERE p.id = due.id AND o.id = p.order_id AND h.id = o.hold_id
        RETURNING p.id AS payment, p.order_id AS "order", o.performance_id AS performance,
                  p.mode AS "mode: PaymentMode", p.amount, p.currency, p.method, p.calls,
                  coalesce(h.pay_deadline <= clock_timestamp(), true) AS "is_too_late!"
        "#,
        most,
        lease.as_secs_f64()
    )
    .fetch_all(&mut *connection)
    .await?;
    if !claimed.is_empty() {
        let orders: Vec<Uuid> = claimed.iter().map(|unresolved| unresolved.order).collect();
        sqlx::query!(
            "UPDATE orders SET state = 'PAYMENT_UNKNOWN' WHERE id = ANY ($1) AND state = 'PENDING'
                AND EXISTS (SELECT FROM payment p WHERE p.order_id = orders.id AND p.state = 'SENT')",
            &orders
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(claimed)
}

/// Puts a payment off, because the gateway still gives no answer.
pub(super) async fn put_off(
    primary: &Primary,
    payment: Uuid,
    pause: Duration,
) -> Result<(), DatabaseError> {
    let mut connection = primary.connection_to_finish().await?;
    sqlx::query!(
        "UPDATE payment SET due_at = clock_timestamp() + make_interval(secs => $2) WHERE id = $1 AND state = 'SENT'",
        payment,
        pause.as_secs_f64()
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

impl From<Mode> for PaymentMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Authorize => Self::Authorize,
            Mode::Charge => Self::Charge,
        }
    }
}

impl From<PaymentMode> for Mode {
    fn from(mode: PaymentMode) -> Self {
        match mode {
            PaymentMode::Authorize => Self::Authorize,
            PaymentMode::Charge => Self::Charge,
        }
    }
}
