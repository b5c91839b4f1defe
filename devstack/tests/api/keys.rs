//! Keys and the tokens signed with them.

use devstack::{keys, user_token};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;

use crate::folder::Folder;

#[test]
fn keys_that_exist_are_kept() {
    let folder = Folder::new();
    let first = keys::make(folder.path()).unwrap();
    let before = [&first.user_jwks, &first.admission_jwks].map(|p| std::fs::read(p).unwrap());
    let signing = first.user_signing_key().unwrap();

    let second = keys::make(folder.path()).unwrap();

    let after = [&second.user_jwks, &second.admission_jwks].map(|p| std::fs::read(p).unwrap());
    assert_eq!(before, after);
    assert_eq!(signing, second.user_signing_key().unwrap());
}

#[test]
fn a_minted_token_is_believed_by_the_published_key_and_by_no_other() {
    let folder = Folder::new();
    let keys = keys::make(folder.path()).unwrap();
    let token = user_token::mint(folder.path(), "alice", Some("organiser")).unwrap();

    let claims = verify(&token, &keys.user_jwks).unwrap();
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["role"], "organiser");
    assert_eq!(claims["iss"], "onsale");
    assert!(verify(&token, &keys.admission_jwks).is_none());
}

fn verify(token: &str, jwks: &std::path::Path) -> Option<Value> {
    let set: JwkSet = serde_json::from_slice(&std::fs::read(jwks).unwrap()).unwrap();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(set.find(&kid)?).unwrap();
    let validation = Validation::new(Algorithm::EdDSA);
    Some(
        jsonwebtoken::decode(token, &key, &validation)
            .unwrap()
            .claims,
    )
}
