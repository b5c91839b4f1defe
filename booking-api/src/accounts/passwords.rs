//! Passwords: argon2id, off the threads that serve requests, and few at once, since each takes a core and 19 MiB.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Longest wait for a turn. Beyond it, signing in takes longer than anybody waits for.
const WAIT: Duration = Duration::from_secs(5);
/// Most that wait for a turn at once, so that a flood of attempts to sign in does not fill the whole shop.
const QUEUE: usize = 64;

/// Hashes and compares passwords.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// Compared with when there is no such account, so that the time taken does not tell whether there is one.
    nobodys: Arc<str>,
}

/// Why a password was neither hashed nor compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many at once.
    #[error("too many passwords are being hashed")]
    Busy,
    /// The algorithm failed, or a stored hash is not one.
    #[error("a password could not be hashed")]
    Hash(#[source] argon2::password_hash::phc::Error),
    /// As above, while hashing.
    #[error("a password could not be hashed")]
    Algorithm(#[source] argon2::password_hash::Error),
    /// The task that hashed has crashed.
    #[error("the task that hashed has crashed")]
    Crashed(#[source] tokio::task::JoinError),
}

impl Passwords {
    pub(crate) fn new(at_once: u32) -> Result<Self, PasswordError> {
        let turns = Semaphore::new(usize::try_from(at_once).unwrap_or(usize::MAX));
        let nobodys = hash(&SecretString::from("nobody's password"))?;
        Ok(Self {
            turns: Arc::new(turns),
            queue: Arc::new(Semaphore::new(QUEUE)),
            nobodys: nobodys.into(),
        })
    }

    /// The hash to keep of a new password, in PHC format.
    pub(super) async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        self.in_turn(move || hash(&password)).await
    }

    /// Whether `password` is the one that was hashed; `None` takes as long and is always wrong.
    pub(super) async fn is_right(
        &self,
        password: SecretString,
        hashed: Option<String>,
    ) -> Result<bool, PasswordError> {
        let nobodys = Arc::clone(&self.nobodys);
        let is_somebodys = hashed.is_some();
        let is_right = self.in_turn(move || {
            let hashed = hashed.as_deref().unwrap_or(&nobodys);
            let hashed = PasswordHash::new(hashed).map_err(PasswordError::Hash)?;
            Ok(Argon2::default()
                .verify_password(password.expose_secret().as_bytes(), &hashed)
                .is_ok())
        });
        Ok(is_right.await? && is_somebodys)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _ticket = self.queue.try_acquire().or(Err(PasswordError::Busy))?;
        let turn = tokio::time::timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(PasswordError::Busy);
        };
        let work = move || {
            let result = work();
            drop(turn);
            result
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(PasswordError::Crashed)?
    }
}

fn hash(password: &SecretString) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(PasswordError::Algorithm)
}
