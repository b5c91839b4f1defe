//! What strangers write, and what Redis answers, one entry for each kind: for the fuzz targets of `fuzz/`, and for the tests that run their
//! corpora. An entry must return whatever it is given; what it lets through must be what it claims to be.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use shared::ids::RoomName;
use shared::tokens::admission::AdmissionVerifier;
use shared::tokens::jwks::JwksFile;
use shared::tokens::user::UserVerifier;
use shared::tokens::waiting::WaitingKeys;
use shared::tokens::{ISSUER, install_crypto_provider};

use crate::http::client_address::TrustedProxies;
use crate::http::cookies::Cookies;
use crate::http::{credentials, query as queries};
use crate::routes::{self, Language};
use crate::tokens::WaitingTokens;

/// Keys that everybody knows: the secret of an empty text, and the public key of RFC 8037, appendix A.
const SECRET: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const PUBLIC_KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const REMEMBERED: u64 = 1_000;
const PROXIES_MOST: usize = 16;

/// A path.
pub fn path(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        match routes::label_of(text) {
            Ok(label) => assert_eq!(label.split('/').count(), text.split('/').count()),
            Err(problem) => assert_eq!(problem.status(), StatusCode::NOT_FOUND),
        }
    }
}

/// A query.
pub fn query(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let hidden = queries::is_hidden(Some(text));
    assert!(!hidden || text.contains("hidden=true"));
    let english = Language::of(Some(text)) == Language::English;
    assert!(!english || text.contains("lang=en"));
}

/// A reply of Redis to one of a room's scripts. Returns whose reply it can be.
pub fn reply(input: &[u8]) -> Vec<&'static str> {
    shared::room::take_reply_apart(&room(), input)
}

fn room() -> RoomName {
    "main".parse().expect("a name")
}

/// Header lines, as `name: value`: cookies, credentials, the client's address.
pub fn headers(input: &[u8]) {
    let headers = parse_headers(input);
    let room = room();
    for secure in [false, true] {
        let cookies = Cookies::new(secure);
        let _ = cookies.user(&headers);
        let _ = cookies.admission(&headers, &room);
        if let Some(token) = cookies.waiting(&headers, &room) {
            assert!(!token.contains(';'), "a cookie ends at the semicolon");
        }
    }
    if let Some(token) = credentials::bearer(&headers) {
        assert_eq!(token, token.trim());
    }
    let _ = credentials::is_same_origin(&headers, "https://tickets.example");
    let peer = SocketAddr::from(([192, 0, 2, 1], 1));
    for proxies in 0..=PROXIES_MOST {
        let client = TrustedProxies(proxies).client(peer, &headers);
        assert!(proxies > 0 || client == peer.ip(), "nobody is believed");
    }
}

fn parse_headers(input: &[u8]) -> HeaderMap {
    let lines = input.split(|byte| *byte == b'\n').take(100);
    let pairs = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let name = HeaderName::from_bytes(name).ok()?;
        Some((name, HeaderValue::from_bytes(value).ok()?))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value);
    }
    headers
}

/// What a token proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A place in line.
    Waiting,
    /// Who somebody is.
    User,
    /// That somebody was let in.
    Admission,
}

/// Checks tokens with keys that everybody knows.
#[derive(Debug)]
pub struct Verifiers {
    waiting: WaitingTokens,
    users: UserVerifier,
    admissions: AdmissionVerifier,
}

impl Verifiers {
    /// Keeps the keys in `folder`, which it makes.
    pub fn in_folder(folder: &Path) -> io::Result<Self> {
        install_crypto_provider();
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("current"), "k")?;
        std::fs::write(folder.join("k.key"), SECRET)?;
        let jwks = folder.join("jwks.json");
        std::fs::write(&jwks, PUBLIC_KEYS)?;
        let keys = WaitingKeys::open(folder).map_err(io::Error::other)?;
        let public = JwksFile::open(&jwks).map_err(io::Error::other)?;
        Ok(Self {
            waiting: WaitingTokens::new(keys, REMEMBERED),
            users: UserVerifier::new(public.clone(), ISSUER),
            admissions: AdmissionVerifier::new(public),
        })
    }

    /// A token. What is believed is believed again: it has been remembered. Returns as which it is believed.
    pub fn token(&self, input: &[u8]) -> Option<TokenKind> {
        let text = std::str::from_utf8(input).ok()?;
        let first = self.waiting.verify(text);
        let again = self.waiting.verify(text);
        assert_eq!(first.is_ok(), again.is_ok());
        let user = self.users.verify(text);
        let admission = self.admissions.verify(text, &room());
        let kinds = [
            (TokenKind::Waiting, first.is_ok()),
            (TokenKind::User, user.is_ok()),
            (TokenKind::Admission, admission.is_ok()),
        ];
        let mut believed = kinds.into_iter().filter(|(_, is_believed)| *is_believed);
        let kind = believed.next().map(|(kind, _)| kind);
        assert_eq!(believed.next(), None, "a token of two kinds");
        kind
    }
}
