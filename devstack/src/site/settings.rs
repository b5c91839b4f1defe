//! The settings of the services, the same for all of them: each takes what it knows by its name.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use devstack::keys::Keys;

use super::Site;

/// Settings by variable.
pub(super) type Settings = BTreeMap<&'static str, String>;

impl Site {
    /// Everything that a service has to know about this site.
    pub(super) fn settings(&self, keys: &Keys) -> anyhow::Result<Settings> {
        let stores = self.stores()?;
        let addresses = self.addresses()?;
        let path = |path: &Path| path.display().to_string();
        Ok(Settings::from([
            ("ONSALE_REDIS_URL", stores.redis),
            ("ONSALE_DATABASE_URL", stores.postgres),
            ("ONSALE_REPLICA_URL", stores.replica),
            ("ONSALE_GATEWAY_URL", addresses.gateway()),
            ("ONSALE_GATEWAY_NAME", "simulated".to_owned()),
            ("ONSALE_WAITING_KEYS", path(&keys.waiting)),
            ("ONSALE_ADMISSION_KEYS", path(&keys.admission)),
            ("ONSALE_ADMISSION_JWKS", path(&keys.admission_jwks)),
            ("ONSALE_USER_KEYS", path(&keys.user)),
            ("ONSALE_USER_JWKS", path(&keys.user_jwks)),
            ("ONSALE_PUBLIC_URL", addresses.gatekeeper()),
            ("ONSALE_WAITING_ROOM_URL", addresses.gatekeeper()),
            ("ONSALE_BOOKING_URL", addresses.booking_api()),
            // No load balancer here needs time to notice that a service is going away.
            ("ONSALE_DRAIN_DELAY_MS", "0".to_owned()),
            // The crowds that come here all have this machine's address.
            ("ONSALE_ADDRESS_REQUESTS_PER_SECOND", "0".to_owned()),
            ("ONSALE_ADDRESS_ANONYMOUS_JOINS_PER_SECOND", "0".to_owned()),
        ]))
    }
}

/// The settings as a file for `set -a; . FILE`, with `bin` for the folder of the programs.
pub(super) fn as_shell(settings: &Settings, bin: &Path) -> String {
    let mut text =
        String::from("# Settings of the running site. In a shell: set -a; . THIS_FILE; set +a\n");
    let bin = bin.display().to_string();
    for (name, value) in settings.iter().map(|(n, v)| (*n, v)).chain([("bin", &bin)]) {
        // Quotes inside of a quoted word of the shell are closed, escaped, and opened again.
        let quoted = value.replace('\'', r"'\''");
        writeln!(text, "{name}='{quoted}'").expect("writing to a string cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_written() {
        let value = "it's a $HOME `of` \"quotes\"\\".to_owned();
        let text = as_shell(
            &Settings::from([("VALUE", value.clone())]),
            Path::new("/b in"),
        );
        let script = format!("{text}\nprintf '%s|%s' \"$VALUE\" \"$bin\"");
        let shell = std::process::Command::new("/bin/sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(shell.stdout).unwrap(),
            format!("{value}|/b in")
        );
    }
}
