//! Tokens: forged, altered, expired, of another room or algorithm; keys rotated while running.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use shared::ids::{Jti, Number, RoomName, VisitorId};
use shared::room::Admission;
use shared::tokens::admission::{AdmissionClaims, AdmissionSigner, AdmissionVerifier};
use shared::tokens::jwks::JwksFile;
use shared::tokens::user::{Role, UserClaims, UserSigner, UserVerifier};
use shared::tokens::waiting::{WaitingClaims, WaitingKeys};
use shared::tokens::{ISSUER, TokenError, install_crypto_provider};

pub(crate) fn admission_claims(
    room: &RoomName,
    visitor: VisitorId,
    number: u64,
    admission: &Admission,
) -> AdmissionClaims {
    AdmissionClaims {
        iss: ISSUER.to_owned(),
        sub: visitor,
        aud: room.clone(),
        num: Number(number),
        jti: admission.jti,
        iat: admission.since_ms / 1000,
        nbf: admission.since_ms / 1000,
        exp: admission.until_ms / 1000,
    }
}

/// A fresh folder of keys.
fn keys() -> PathBuf {
    install_crypto_provider();
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keys-{:016x}", rand::random::<u64>()));
    devstack::keys::make(&folder).unwrap();
    folder
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn room() -> RoomName {
    "main".parse().unwrap()
}

fn waiting_claims() -> WaitingClaims {
    WaitingClaims::new("visitor-1".parse().unwrap(), room(), 7, Number(42))
}

fn admission() -> AdmissionClaims {
    let (iat, exp) = (now(), now() + 600);
    AdmissionClaims {
        iss: ISSUER.to_owned(),
        sub: "visitor-1".parse().unwrap(),
        aud: room(),
        num: Number(42),
        jti: Jti::mint(),
        iat,
        nbf: iat,
        exp,
    }
}

/// The same token with its claims rewritten and its signature kept.
fn altered(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    change(&mut claims);
    format!(
        "{}.{}.{}",
        parts[0],
        URL_SAFE_NO_PAD.encode(claims.to_string()),
        parts[2]
    )
}

#[test]
fn a_waiting_token_says_what_was_signed() {
    let keys = WaitingKeys::open(&keys().join("waiting")).unwrap();
    let claims = waiting_claims();
    let token = keys.sign(&claims).unwrap();
    assert_eq!(keys.verify(&token).unwrap(), claims);
}

#[test]
fn altered_forged_and_expired_waiting_tokens_are_refused() {
    let folder = keys();
    let keys = WaitingKeys::open(&folder.join("waiting")).unwrap();
    let token = keys.sign(&waiting_claims()).unwrap();
    let refused = |token: &str| keys.verify(token).unwrap_err();
    assert_eq!(
        refused(&altered(&token, |claims| claims["num"] = json!(1))),
        TokenError::Invalid
    );
    assert_eq!(refused(""), TokenError::Invalid);
    assert_eq!(refused("a.b.c"), TokenError::Invalid);
    let parts: Vec<&str> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    assert_eq!(
        refused(&format!("{none}.{}.", parts[1])),
        TokenError::Invalid
    );
    let expired = WaitingClaims {
        exp: now() - 60,
        ..waiting_claims()
    };
    assert_eq!(refused(&keys.sign(&expired).unwrap()), TokenError::Expired);
    let other_issuer = WaitingClaims {
        iss: "elsewhere".to_owned(),
        ..waiting_claims()
    };
    assert_eq!(
        refused(&keys.sign(&other_issuer).unwrap()),
        TokenError::Invalid
    );
    // Another secret under a kid that we know.
    let kid = std::fs::read_to_string(folder.join("waiting/current"))
        .unwrap()
        .trim()
        .to_owned();
    let header = Header {
        kid: Some(kid),
        ..Header::new(Algorithm::HS256)
    };
    let forged = jsonwebtoken::encode(
        &header,
        &waiting_claims(),
        &EncodingKey::from_secret(&[0; 32]),
    );
    assert_eq!(refused(&forged.unwrap()), TokenError::Invalid);
}

#[test]
fn the_public_key_of_admissions_is_no_secret_for_waiting_tokens() {
    // The classic swap: an HS256 token "signed" with the public key of an asymmetric one.
    let folder = keys();
    let signer = AdmissionSigner::open(&folder.join("admission")).unwrap();
    let jwks = signer.jwks();
    let key = &jwks["keys"][0];
    let header = Header {
        kid: Some(key["kid"].as_str().unwrap().to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let forged =
        jsonwebtoken::encode(&header, &admission(), &EncodingKey::from_secret(&public)).unwrap();
    let verifier =
        AdmissionVerifier::new(JwksFile::open(&folder.join("admission-jwks.json")).unwrap());
    assert_eq!(verifier.verify(&forged, &room()), Err(TokenError::Invalid));
    assert_eq!(signer.verify(&forged, &room()), Err(TokenError::Invalid));
}

#[test]
fn an_admission_token_is_good_for_its_room_until_it_expires() {
    let folder = keys();
    let signer = AdmissionSigner::open(&folder.join("admission")).unwrap();
    let verifier =
        AdmissionVerifier::new(JwksFile::open(&folder.join("admission-jwks.json")).unwrap());
    let claims = admission();
    let token = signer.sign(&claims).unwrap();
    assert_eq!(verifier.verify(&token, &room()), Ok(claims.clone()));
    assert_eq!(
        verifier.verify(&token, &"other".parse().unwrap()),
        Err(TokenError::Invalid)
    );
    let other = altered(&token, |claims| claims["aud"] = json!("other"));
    assert_eq!(
        verifier.verify(&other, &"other".parse().unwrap()),
        Err(TokenError::Invalid)
    );
    let expired = signer
        .sign(&AdmissionClaims {
            exp: now() - 10,
            ..claims.clone()
        })
        .unwrap();
    assert_eq!(verifier.verify(&expired, &room()), Err(TokenError::Expired));
    let within_leeway = signer
        .sign(&AdmissionClaims {
            exp: now() - 2,
            ..claims.clone()
        })
        .unwrap();
    assert!(
        verifier.verify(&within_leeway, &room()).is_ok(),
        "clocks may differ by 5 s"
    );
    let early = signer
        .sign(&AdmissionClaims {
            nbf: now() + 60,
            ..claims
        })
        .unwrap();
    assert_eq!(verifier.verify(&early, &room()), Err(TokenError::Invalid));
}

#[test]
fn a_token_of_one_kind_is_none_of_another() {
    let folder = keys();
    let user_claims = UserClaims {
        iss: ISSUER.to_owned(),
        sub: "visitor-1".parse().unwrap(),
        sid: None,
        role: Some(Role::Organiser),
        iat: now(),
        exp: now() + 60,
    };
    let user = UserSigner::open(&folder.join("user"))
        .unwrap()
        .sign(&user_claims)
        .unwrap();
    let users = UserVerifier::new(
        JwksFile::open(&folder.join("user-jwks.json")).unwrap(),
        ISSUER,
    );
    let waiting_keys = WaitingKeys::open(&folder.join("waiting")).unwrap();
    let waiting = waiting_keys.sign(&waiting_claims()).unwrap();
    let signer = AdmissionSigner::open(&folder.join("admission")).unwrap();
    let admitted = signer.sign(&admission()).unwrap();
    assert_eq!(users.verify(&user), Ok(user_claims));
    for other in [&waiting, &admitted] {
        assert_eq!(users.verify(other), Err(TokenError::Invalid));
    }
    for other in [&user, &waiting] {
        assert_eq!(signer.verify(other, &room()), Err(TokenError::Invalid));
    }
    for other in [&user, &admitted] {
        assert!(waiting_keys.verify(other).is_err());
    }
    let elsewhere = UserVerifier::new(
        JwksFile::open(&folder.join("user-jwks.json")).unwrap(),
        "https://id.example",
    );
    assert_eq!(
        elsewhere.verify(&user),
        Err(TokenError::Invalid),
        "another issuer is expected"
    );
}

#[test]
fn a_user_token_is_good_for_the_audience_that_is_set() {
    let folder = keys();
    let ring = folder.join("user");
    let kid = std::fs::read_to_string(ring.join("current")).unwrap();
    let pem = std::fs::read(ring.join(format!("{}.pem", kid.trim()))).unwrap();
    let header = Header {
        kid: Some(kid.trim().to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    let sign = |audience: Value| {
        let mut claims = json!({
            "iss": "https://id.example", "sub": "user-1", "iat": now(), "exp": now() + 60,
        });
        if !audience.is_null() {
            claims["aud"] = audience;
        }
        let key = EncodingKey::from_ed_pem(&pem).unwrap();
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    let jwks = JwksFile::open(&folder.join("user-jwks.json")).unwrap();
    let unset = UserVerifier::new(jwks.clone(), "https://id.example");
    let ours = unset.clone().for_audience("tickets");
    let (none, one) = (sign(Value::Null), sign(json!("tickets")));
    let (several, other) = (sign(json!(["mail", "tickets"])), sign(json!("mail")));
    let refused = |verifier: &UserVerifier, token: &str| {
        assert_eq!(verifier.verify(token), Err(TokenError::Invalid));
    };
    assert!(unset.verify(&none).is_ok());
    refused(&unset, &one);
    assert!(ours.verify(&one).is_ok() && ours.verify(&several).is_ok());
    refused(&ours, &other);
    refused(&ours, &none);
}

#[test]
fn a_rotated_key_goes_on_verifying_until_it_is_removed() {
    let folder = keys().join("waiting");
    let keys = WaitingKeys::open(&folder).unwrap();
    let old_kid = std::fs::read_to_string(folder.join("current"))
        .unwrap()
        .trim()
        .to_owned();
    let old = keys.sign(&waiting_claims()).unwrap();
    std::fs::write(folder.join("next.key"), STANDARD.encode([7; 32])).unwrap();
    std::fs::write(folder.join("current"), "next\n").unwrap();
    assert!(keys.look());
    let new = keys.sign(&waiting_claims()).unwrap();
    assert_eq!(
        jsonwebtoken::decode_header(&new).unwrap().kid.as_deref(),
        Some("next")
    );
    for token in [&old, &new] {
        keys.verify(token).unwrap();
    }
    let version = keys.version();
    std::fs::remove_file(folder.join(format!("{old_kid}.key"))).unwrap();
    assert!(keys.look());
    assert_eq!(keys.verify(&old), Err(TokenError::Invalid));
    keys.verify(&new).unwrap();
    assert_ne!(keys.version(), version, "what was remembered is forgotten");
}
