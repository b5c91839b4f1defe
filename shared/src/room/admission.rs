//! What the shop asks of, and tells, the active set.

use std::sync::LazyLock;

use jiff::Timestamp;

use super::line::Line;
use super::script::room_script;
use crate::ids::{Jti, VisitorId};
use crate::redis_handle::{Script, StoreError};
use crate::tokens::admission::AdmissionClaims;

static CHECK: LazyLock<Script> = room_script!("check_admission");
static STRETCH: LazyLock<Script> = room_script!("stretch");
static FINISH: LazyLock<Script> = room_script!("finish");

/// Whether an admission with a good token still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdmissionCheck {
    /// It does, as far as Redis knows.
    Live,
    /// Its visitor left, finished or was evicted, or the room was removed since.
    Ended,
}

impl Line {
    /// Whether the admission of a verified token has ended early. A good token that the active set has
    /// forgotten puts its owner back in. On an error the token alone decides.
    pub async fn check_admission(
        &self,
        claims: &AdmissionClaims,
    ) -> Result<AdmissionCheck, StoreError> {
        let call = || {
            self.call(&CHECK)
                .arg(claims.sub.as_str())
                .arg(self.place_of(claims.num))
                .arg(claims.jti.to_string())
                .arg(claims.iat.saturating_mul(1000))
                .arg(claims.exp.saturating_mul(1000))
        };
        let word: String = self.invoke_with_places(call).await?;
        Ok(if word == "ended" {
            AdmissionCheck::Ended
        } else {
            AdmissionCheck::Live
        })
    }

    /// Keeps the visitor in the active set until `until`, because of a hold. Returns whether the admission was that one.
    pub async fn stretch(
        &self,
        visitor: &VisitorId,
        jti: &Jti,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let call = self
            .call(&STRETCH)
            .arg(visitor.as_str())
            .arg(jti.to_string())
            .arg(until.as_millisecond());
        self.redis.invoke(&call).await
    }

    /// Ends an admission whose visitor has what it came for. Returns whether anything ended by it. A late call never ends a
    /// later admission of the same visitor, but for one that took the place of this one because Redis had lost it. While
    /// the room is lost ([`StoreError::NoRoom`]) the token is refused from then on, but the call must be made again.
    pub async fn finish(&self, claims: &AdmissionClaims) -> Result<bool, StoreError> {
        let call = || {
            self.call(&FINISH)
                .arg(claims.sub.as_str())
                .arg(claims.jti.to_string())
                .arg(claims.exp.saturating_mul(1000))
                .arg(self.place_of(claims.num))
                .arg(claims.iat.saturating_mul(1000))
        };
        self.invoke_with_places(call).await
    }
}
