//! Folders and files of keys that cannot be used say why, and what would do.

use std::path::{Path, PathBuf};

use shared::tokens::admission::AdmissionSigner;
use shared::tokens::install_crypto_provider;
use shared::tokens::jwks::JwksFile;
use shared::tokens::waiting::WaitingKeys;

fn folder() -> PathBuf {
    install_crypto_provider();
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ring-{:016x}", rand::random::<u64>()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_folder_of_keys_that_cannot_be_used_says_why() {
    let folder = folder();
    let mistake = || WaitingKeys::open(&folder).unwrap_err().to_string();
    assert!(
        mistake().contains("current cannot be read"),
        "{}",
        mistake()
    );
    std::fs::write(folder.join("current"), "a").unwrap();
    assert!(
        mistake().contains("a.key is not in that folder"),
        "{}",
        mistake()
    );
    std::fs::write(folder.join("a.key"), "c2hvcnQ=").unwrap();
    assert!(
        mistake().contains("at least 32 random bytes"),
        "{}",
        mistake()
    );
    let missing = WaitingKeys::open(&folder.join("nowhere"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("nowhere cannot be read"), "{missing}");
}

#[test]
fn a_private_key_of_another_kind_is_refused() {
    let folder = folder();
    std::fs::write(folder.join("current"), "a").unwrap();
    std::fs::write(
        folder.join("a.pem"),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    let mistake = AdmissionSigner::open(&folder).unwrap_err().to_string();
    assert!(
        mistake.contains("Ed25519 private key as PKCS#8 PEM"),
        "{mistake}"
    );
}

#[test]
fn a_key_set_without_a_usable_key_is_refused() {
    let path = folder().join("jwks.json");
    let mistake = || JwksFile::open(&path).unwrap_err().to_string();
    assert!(mistake().contains("cannot be read"));
    std::fs::write(&path, "{}").unwrap();
    assert!(mistake().contains("is not a JSON Web Key Set"));
    std::fs::write(&path, r#"{"keys":[{"kty":"RSA","kid":"a","n":"","e":""}]}"#).unwrap();
    assert!(mistake().contains("holds no Ed25519 key"));
}
