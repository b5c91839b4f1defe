//! The people of a test, and the tokens that others would sign for them.

use std::sync::atomic::{AtomicU64, Ordering};

use shared::clock;
use shared::ids::{Jti, Number};
use shared::tokens::ISSUER;
use shared::tokens::admission::{AdmissionClaims, AdmissionSigner};
use shared::tokens::user::{Role, UserClaims, UserSigner};
use uuid::Uuid;

use super::TestApi;
use crate::buyer::Buyer;

/// Nobody shares a number with anybody, nor with whom a test lets join.
static NEXT_NUMBER: AtomicU64 = AtomicU64::new(1_001);

impl TestApi {
    /// Somebody who has signed in elsewhere, without a session of ours, and has not stood in line.
    pub(crate) fn user(&self) -> Buyer<'_> {
        let id = format!("user-{}", Uuid::new_v4());
        Buyer {
            api: self,
            token: self.user_token(&id, None),
            id,
            admission: None,
        }
    }

    /// A user who has been let into the room.
    pub(crate) fn admitted_buyer(&self) -> Buyer<'_> {
        let mut buyer = self.user();
        buyer.admission = Some(self.admission_token(&self.admission(&buyer.id)));
        buyer
    }

    pub(crate) fn organiser(&self) -> Buyer<'_> {
        let id = "organiser-1".to_owned();
        Buyer {
            api: self,
            token: self.user_token(&id, Some(Role::Organiser)),
            id,
            admission: None,
        }
    }

    pub(crate) fn user_token(&self, id: &str, role: Option<Role>) -> String {
        let iat = clock::now_seconds();
        let claims = UserClaims {
            iss: ISSUER.to_owned(),
            sub: id.parse().unwrap(),
            sid: None,
            role,
            iat,
            exp: iat + 600,
        };
        self.sign_user(&claims)
    }

    pub(crate) fn sign_user(&self, claims: &UserClaims) -> String {
        UserSigner::open(&self.keys.user)
            .unwrap()
            .sign(claims)
            .unwrap()
    }

    /// What the gatekeeper would sign for somebody it lets into the room.
    pub(crate) fn admission(&self, visitor: &str) -> AdmissionClaims {
        let iat = clock::now_seconds();
        AdmissionClaims {
            iss: ISSUER.to_owned(),
            sub: visitor.parse().unwrap(),
            aud: self.room.clone(),
            num: Number(NEXT_NUMBER.fetch_add(1, Ordering::Relaxed)),
            jti: Jti::mint(),
            iat,
            nbf: iat,
            exp: iat + 600,
        }
    }

    pub(crate) fn admission_token(&self, claims: &AdmissionClaims) -> String {
        AdmissionSigner::open(&self.keys.admission)
            .unwrap()
            .sign(claims)
            .unwrap()
    }
}
