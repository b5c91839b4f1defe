//! Tokens as browsers carry them: in cookies that scripts cannot read.

use http::header::{COOKIE, HeaderMap};

use shared::ids::RoomName;

/// Whether cookies carry the prefixes that bind them to one host and to HTTPS. Not so on http://localhost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealed {
    Yes,
    No,
}

/// The cookies of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cookies<'a> {
    headers: &'a HeaderMap,
    sealed: Sealed,
}

impl Sealed {
    fn user(self) -> &'static str {
        match self {
            Self::Yes => "__Host-user",
            Self::No => "user",
        }
    }

    fn admission(self, room: &RoomName) -> String {
        match self {
            Self::Yes => format!("__Secure-admission-{room}"),
            Self::No => format!("admission-{room}"),
        }
    }

    fn attributes(self) -> &'static str {
        match self {
            Self::Yes => "Path=/; HttpOnly; SameSite=Lax; Secure",
            Self::No => "Path=/; HttpOnly; SameSite=Lax",
        }
    }

    /// The value of `Set-Cookie` that keeps a user token for `seconds`; 0 removes it.
    pub(crate) fn set_user(self, token: &str, seconds: i64) -> String {
        format!(
            "{}={token}; Max-Age={seconds}; {}",
            self.user(),
            self.attributes()
        )
    }
}

impl<'a> Cookies<'a> {
    pub(crate) fn of(headers: &'a HeaderMap, sealed: Sealed) -> Self {
        Self { headers, sealed }
    }

    /// The user token.
    pub(crate) fn user(&self) -> Option<&'a str> {
        self.get(self.sealed.user())
    }

    /// The admission token of a room.
    pub(crate) fn admission(&self, room: &RoomName) -> Option<&'a str> {
        self.get(&self.sealed.admission(room))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let headers = self
            .headers
            .get_all(COOKIE)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        let mut pairs = headers
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_cookies_of_our_own_scheme_are_believed() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; user=plain; admission-main=p".parse().unwrap());
        headers.append(
            COOKIE,
            "__Host-user=sealed;__Secure-admission-main=s"
                .parse()
                .unwrap(),
        );
        let main = "main".parse().unwrap();
        let (sealed, plain) = (
            Cookies::of(&headers, Sealed::Yes),
            Cookies::of(&headers, Sealed::No),
        );
        assert_eq!(
            (sealed.user(), sealed.admission(&main)),
            (Some("sealed"), Some("s"))
        );
        assert_eq!(
            (plain.user(), plain.admission(&main)),
            (Some("plain"), Some("p"))
        );
        assert_eq!(plain.admission(&"other".parse().unwrap()), None);
    }
}
