//! Built-in accounts and sessions. Switched off where an outside issuer signs user tokens.

pub(crate) mod create;
mod email;
pub(crate) mod log_in;
pub(crate) mod log_out;
mod passwords;
mod sessions;
mod store;

pub(crate) use self::passwords::{PasswordError, Passwords};
pub(crate) use self::sessions::Sessions;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// A text that no log shows.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}
