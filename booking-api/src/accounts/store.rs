//! Accounts and sessions in the database.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use uuid::Uuid;

use super::email::Email;
use crate::database::{DatabaseError, Primary};

/// The constraint that allows one account per address.
pub(super) const EMAIL_TAKEN: &str = "account_email_taken";

/// An account, as far as signing in needs it.
pub(super) struct Account {
    pub(super) id: Uuid,
    pub(super) password_hash: String,
    pub(super) role: Option<String>,
}

/// Creates an account.
pub(super) async fn create(
    primary: &Primary,
    id: Uuid,
    email: &Email,
    name: &str,
    password_hash: &str,
) -> Result<(), DatabaseError> {
    let mut connection = primary.connection().await?;
    sqlx::query!(
        "INSERT INTO account (id, email, name, password_hash) VALUES ($1, $2, $3, $4)",
        id,
        email.as_str(),
        name,
        password_hash
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// The account with an address, whatever its capitals.
pub(super) async fn by_email(
    primary: &Primary,
    email: &Email,
) -> Result<Option<Account>, DatabaseError> {
    let mut connection = primary.connection().await?;
    let account = sqlx::query_as!(
        Account,
        "SELECT id, password_hash, role FROM account WHERE lower(email) = lower($1)",
        email.as_str()
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(account)
}

/// Begins a session.
pub(super) async fn begin_session(
    primary: &Primary,
    session: Uuid,
    account: Uuid,
    expires_at: Timestamp,
) -> Result<(), DatabaseError> {
    let mut connection = primary.connection().await?;
    sqlx::query!(
        "INSERT INTO session (id, account_id, expires_at) VALUES ($1, $2, $3)",
        session,
        account,
        expires_at.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Whether a session was begun, not revoked, and has not ended.
pub(super) async fn is_live(primary: &Primary, session: Uuid) -> Result<bool, DatabaseError> {
    let mut connection = primary.connection().await?;
    let is_live = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM session WHERE id = $1 AND revoked_at IS NULL
                             AND expires_at > statement_timestamp()) AS "is_live!""#,
        session
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(is_live)
}

/// Revokes a session. Twice is once.
pub(super) async fn revoke(primary: &Primary, session: Uuid) -> Result<(), DatabaseError> {
    let mut connection = primary.connection().await?;
    sqlx::query!(
        "UPDATE session SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = $1",
        session
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
