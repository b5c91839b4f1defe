//! Who signs user tokens, and how built-in accounts behave.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use shared::args::UserTokenArgs;
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

    /// Whose user tokens are believed.
    #[command(flatten)]
    pub user_tokens: UserTokenArgs,

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
        if self.accounts == Switch::On && self.user_tokens.user_issuer != ISSUER {
            mistakes.push(format!(
                "--user-issuer other than {ISSUER:?} needs --accounts off"
            ));
        }
        if self.accounts == Switch::On && self.user_tokens.user_audience.is_some() {
            mistakes.push(
                "--user-audience needs --accounts off: built-in accounts sign for no audience"
                    .to_owned(),
            );
        }
        mistakes
    }
}
