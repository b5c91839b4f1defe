//! Who is asking: a bearer token, or a cookie that came from our own pages.

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, Method, Request};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// A token, and how it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential<'request> {
    /// In a header, which no other site can make a browser send.
    Header(&'request str),
    /// In a cookie, which browsers send by themselves.
    Cookie(&'request str),
}

impl<'request> Credential<'request> {
    /// The token itself.
    pub fn token(self) -> &'request str {
        match self {
            Self::Header(token) | Self::Cookie(token) => token,
        }
    }
}

/// The token of `Authorization: Bearer …`, else the one of `cookie`, which is looked for only then.
pub fn bearer_or<'request>(
    headers: &'request HeaderMap,
    cookie: impl FnOnce() -> Option<&'request str>,
) -> Option<Credential<'request>> {
    match bearer(headers) {
        Some(token) => Some(Credential::Header(token)),
        None => cookie().map(Credential::Cookie),
    }
}

/// The token of `Authorization: Bearer …`. The scheme's case does not matter (RFC 9110).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a request that changes something may rely on `credential`: by cookie only from our own origin.
pub fn may_change<B>(request: &Request<B>, credential: Credential<'_>, public_url: &str) -> bool {
    matches!(credential, Credential::Header(_)) || may_rely_on_cookies(request, public_url)
}

/// Whether a request may rely on what browsers send, and keep, by themselves: one that changes something
/// only from our own origin.
pub fn may_rely_on_cookies<B>(request: &Request<B>, public_url: &str) -> bool {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    is_safe || is_same_origin(request.headers(), public_url)
}

/// Whether a browser sent this: it says where its page is from. Programs have nothing to say there.
pub fn is_from_a_page(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(ORIGIN)
}

/// By `Sec-Fetch-Site` where the browser sends it, else by `Origin`, which must be our public address or
/// the host that was asked.
pub fn is_same_origin(headers: &HeaderMap, public_url: &str) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    let Some(origin) = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) else {
        return false;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let same_host = origin
        .split_once("://")
        .is_some_and(|(_, authority)| Some(authority) == host);
    origin == public_url || same_host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        pairs.collect()
    }

    #[test]
    fn only_our_own_pages_are_of_the_same_origin() {
        let ours = "https://tickets.example";
        let is_ours = |pairs: &[_]| is_same_origin(&headers(pairs), ours);
        assert!(is_ours(&[("sec-fetch-site", "same-origin")]));
        assert!(is_ours(&[("origin", "https://tickets.example")]));
        assert!(is_ours(&[
            ("origin", "http://localhost:8080"),
            ("host", "localhost:8080")
        ]));
        assert!(!is_ours(&[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://tickets.example")
        ]));
        assert!(!is_ours(&[("sec-fetch-site", "cross-site")]));
        assert!(!is_ours(&[
            ("origin", "https://evil.example"),
            ("host", "tickets.example")
        ]));
        assert!(!is_ours(&[("origin", "null")]));
        assert!(!is_ours(&[]));
    }

    #[test]
    fn the_bearer_scheme_is_read_in_any_case_and_others_are_not() {
        assert_eq!(
            bearer(&headers(&[("authorization", "bearer abc")])),
            Some("abc")
        );
        assert_eq!(bearer(&headers(&[("authorization", "Basic abc")])), None);
        assert_eq!(bearer(&headers(&[("authorization", "Bearer")])), None);
    }
}
