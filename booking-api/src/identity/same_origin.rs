//! Requests that a browser makes for another site carry our cookies too. What changes something by cookie has to come from us.

use http::header::{HOST, HeaderMap, ORIGIN};
use http::uri::Authority;
use http::{Method, Uri};

/// Whether a request that is authorized by a cookie may be carried out.
pub(super) fn may_use_cookies(method: &Method, headers: &HeaderMap) -> bool {
    method.is_safe() || comes_from_us(headers)
}

/// By the browser's own word, which scripts cannot forge: `Sec-Fetch-Site`, else `Origin`.
fn comes_from_us(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text(ORIGIN.as_str()).and_then(|origin| origin.parse::<Uri>().ok());
    let origin = origin.as_ref().and_then(Uri::authority);
    let host = text(HOST.as_str()).and_then(|host| host.parse::<Authority>().ok());
    matches!((origin, host), (Some(origin), Some(host)) if *origin == host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(method: &Method, pairs: &[(&'static str, &'static str)]) -> bool {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        may_use_cookies(method, &pairs.collect())
    }

    #[test]
    fn an_unsafe_method_by_cookie_comes_from_our_own_pages() {
        let host = ("host", "shop.example");
        assert!(allowed(&Method::GET, &[host]));
        assert!(allowed(
            &Method::POST,
            &[host, ("sec-fetch-site", "same-origin")]
        ));
        assert!(allowed(
            &Method::POST,
            &[host, ("origin", "https://shop.example")]
        ));
        assert!(!allowed(&Method::POST, &[host]));
        assert!(!allowed(&Method::POST, &[host, ("origin", "null")]));
        assert!(!allowed(
            &Method::POST,
            &[host, ("origin", "https://shop.example.evil")]
        ));
        assert!(!allowed(
            &Method::DELETE,
            &[
                host,
                ("origin", "https://shop.example"),
                ("sec-fetch-site", "cross-site")
            ]
        ));
        assert!(!allowed(
            &Method::POST,
            &[host, ("sec-fetch-site", "same-site")]
        ));
    }
}
