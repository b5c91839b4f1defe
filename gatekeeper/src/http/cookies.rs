//! Cookies: how browsers carry tokens. Names with a `__Host-` or `__Secure-` prefix, which only https
//! may set, where the site is reached by https; plain names on http://localhost.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use shared::ids::RoomName;

/// Reads and writes the three cookies.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    /// `secure`: the site is reached by https.
    pub fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// The user token.
    pub fn user<'headers>(&self, headers: &'headers HeaderMap) -> Option<&'headers str> {
        find(headers, if self.secure { "__Host-user" } else { "user" })
    }

    /// The waiting token of `room`.
    pub fn waiting<'headers>(
        &self,
        headers: &'headers HeaderMap,
        room: &RoomName,
    ) -> Option<&'headers str> {
        find(headers, &self.name("waiting", room))
    }

    /// The admission token of `room`.
    pub fn admission<'headers>(
        &self,
        headers: &'headers HeaderMap,
        room: &RoomName,
    ) -> Option<&'headers str> {
        find(headers, &self.name("admission", room))
    }

    /// Adds the waiting token of `room` to an answer.
    pub fn set_waiting(&self, headers: &mut HeaderMap, room: &RoomName, token: &str, seconds: i64) {
        self.set(headers, &self.name("waiting", room), token, seconds);
    }

    /// Adds the admission token of `room` to an answer.
    pub fn set_admission(
        &self,
        headers: &mut HeaderMap,
        room: &RoomName,
        token: &str,
        seconds: i64,
    ) {
        self.set(headers, &self.name("admission", room), token, seconds);
    }

    fn name(self, kind: &str, room: &RoomName) -> String {
        format!(
            "{}{kind}-{room}",
            if self.secure { "__Secure-" } else { "" }
        )
    }

    fn set(self, headers: &mut HeaderMap, name: &str, token: &str, seconds: i64) {
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!(
            "{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
            seconds.max(0)
        );
        let value =
            HeaderValue::try_from(cookie).expect("tokens and room names are good in a header");
        headers.append(SET_COOKIE, value);
    }
}

fn find<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    let lines = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_only_by_its_whole_name() {
        let room: RoomName = "main".parse().unwrap();
        let mut headers = HeaderMap::new();
        let line = "a=b; xwaiting-main=1; waiting-main=tok.en; waiting-mai=2";
        headers.append(COOKIE, HeaderValue::from_static(line));
        assert_eq!(Cookies::new(false).waiting(&headers, &room), Some("tok.en"));
        assert_eq!(
            Cookies::new(true).waiting(&headers, &room),
            None,
            "plain names are not believed on https"
        );
    }

    #[test]
    fn cookies_of_an_https_site_are_secure() {
        let room: RoomName = "main".parse().unwrap();
        let mut headers = HeaderMap::new();
        Cookies::new(true).set_waiting(&mut headers, &room, "t", 60);
        let cookie = headers[SET_COOKIE].to_str().unwrap();
        assert_eq!(
            cookie,
            "__Secure-waiting-main=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"
        );
    }
}
