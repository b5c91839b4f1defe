//! Who signs user tokens, and how built-in accounts behave.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use shared::tokens::ISSUER;

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It works.
    On,
    /// It does not.
    Off,
}

/// User tokens and built-in accounts.
#[derive(Debug, Clone, Args)]
pub struct AccountsArgs {
    /// Built-in accounts: on, or off in favour of an outside issuer of user tokens.
    #[arg(long, env = "ONSALE_ACCOUNTS", default_value = "on")]
    pub accounts: Switch,

    /// Public keys (JWKS) of user tokens.
    #[arg(long, env = "ONSALE_USER_JWKS")]
    pub user_jwks: PathBuf,

    /// The issuer of user tokens that is believed.
    #[arg(long, env = "ONSALE_USER_ISSUER", default_value = ISSUER)]
    pub user_issuer: String,

    /// Folder of the private keys that sign user tokens of built-in accounts. Needed when accounts are on.
    #[arg(long, env = "ONSALE_USER_KEYS")]
    pub user_keys: Option<PathBuf>,

    /// Life of a session and of its token, in minutes: an evening with a sale in it.
    #[arg(long, env = "ONSALE_SESSION_MINUTES", default_value_t = 720,
          value_parser = clap::value_parser!(i64).range(1..=525_600))]
    pub session_minutes: i64,

    /// Passwords being hashed at once; further ones wait. Each takes a core and 19 MiB for some 50 ms.
    #[arg(long, env = "ONSALE_PASSWORD_HASHERS", default_value_t = 2,
          value_parser = clap::value_parser!(u32).range(1..=256))]
    pub password_hashers: u32,
}

impl AccountsArgs {
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.accounts == Switch::On && self.user_keys.is_none() {
            mistakes
                .push("--accounts on needs --user-keys, the folder of keys that sign".to_owned());
        }
        if self.accounts == Switch::On && self.user_issuer != ISSUER {
            mistakes.push(format!(
                "--user-issuer other than {ISSUER:?} needs --accounts off"
            ));
        }
        mistakes
    }
}
