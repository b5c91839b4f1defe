//! Keys of the demo site: key rings of the services, and the public halves as JWKS files.
//!
//! A ring is a folder: `current` names the key that signs, `<kid>.key` is a secret of HS256 in
//! base64, `<kid>.pem` a private Ed25519 key in PKCS#8. Keys that exist are kept, so that a second
//! call changes nothing.

use std::{
    io,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    encoding::AsDer,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::json;

use crate::whole_file;

/// Bytes of an HS256 secret: as many as its hash has (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

/// Where the keys are.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Ring of the waiting tokens (HS256).
    pub waiting: PathBuf,
    /// Ring of the admission tokens (Ed25519).
    pub admission: PathBuf,
    /// Ring of the user tokens (Ed25519).
    pub user: PathBuf,
    /// Public keys of the admission tokens.
    pub admission_jwks: PathBuf,
    /// Public keys of the user tokens.
    pub user_jwks: PathBuf,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file could not be read or written.
    #[error("the key folder {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key could not be made or is not a key.
    #[error("no Ed25519 key in {}", .0.display())]
    Key(PathBuf),
}

impl Keys {
    /// The layout below `folder`.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            waiting: folder.join("waiting"),
            admission: folder.join("admission"),
            user: folder.join("user"),
            admission_jwks: folder.join("admission-jwks.json"),
            user_jwks: folder.join("user-jwks.json"),
        }
    }

    /// The id and the path of the private key that signs user tokens.
    pub fn user_signing_key(&self) -> Result<(String, PathBuf), KeyError> {
        let kid = current(&self.user)
            .map_err(in_folder(&self.user))?
            .unwrap_or_default();
        let path = self.user.join(format!("{kid}.pem"));
        Ok((kid, path))
    }
}

/// Makes what is missing of the keys in `folder`.
pub fn make(folder: &Path) -> Result<Keys, KeyError> {
    let keys = Keys::in_folder(folder);
    make_secret(&keys.waiting).map_err(in_folder(&keys.waiting))?;
    make_pair(&keys.admission, &keys.admission_jwks)?;
    make_pair(&keys.user, &keys.user_jwks)?;
    Ok(keys)
}

fn in_folder(folder: &Path) -> impl FnOnce(io::Error) -> KeyError {
    move |source| KeyError::Folder {
        folder: folder.to_owned(),
        source,
    }
}

fn make_secret(ring: &Path) -> io::Result<()> {
    if current(ring)?.is_some() {
        return Ok(());
    }
    let secret: [u8; SECRET_BYTES] = rand::random();
    let kid = new_kid("waiting");
    write_secretly(
        &ring.join(format!("{kid}.key")),
        &BASE64_STANDARD.encode(secret),
    )?;
    write_secretly(&ring.join("current"), &kid)
}

fn make_pair(ring: &Path, jwks: &Path) -> Result<(), KeyError> {
    let kid = current(ring).map_err(in_folder(ring))?;
    let (kid, pair) = if let Some(kid) = kid {
        read_pair(ring, kid)?
    } else {
        new_pair(ring)?
    };
    std::fs::write(jwks, public_half(&kid, &pair)).map_err(in_folder(ring))
}

fn read_pair(ring: &Path, kid: String) -> Result<(String, Ed25519KeyPair), KeyError> {
    let path = ring.join(format!("{kid}.pem"));
    let pem = std::fs::read_to_string(&path).map_err(in_folder(ring))?;
    let pair = from_pem(&pem).ok_or(KeyError::Key(path))?;
    Ok((kid, pair))
}

fn new_pair(ring: &Path) -> Result<(String, Ed25519KeyPair), KeyError> {
    let kid = new_kid(&ring.file_name().unwrap_or_default().to_string_lossy());
    let pair = Ed25519KeyPair::generate().ok();
    let (pair, pem) = pair
        .and_then(|pair| to_pem(&pair).map(|pem| (pair, pem)))
        .ok_or_else(|| KeyError::Key(ring.to_owned()))?;
    write_secretly(&ring.join(format!("{kid}.pem")), &pem).map_err(in_folder(ring))?;
    // Last, so that a ring is never without the key that it names.
    write_secretly(&ring.join("current"), &kid).map_err(in_folder(ring))?;
    Ok((kid, pair))
}

fn public_half(kid: &str, pair: &Ed25519KeyPair) -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key());
    let key =
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA"});
    format!("{:#}\n", json!({"keys": [key]}))
}

/// Version 1 of PKCS#8, which every library reads; version 2 adds the public key and is refused by some.
fn to_pem(pair: &Ed25519KeyPair) -> Option<String> {
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(pair).ok()?;
    let body = BASE64_STANDARD.encode(der.as_ref());
    Some(format!(
        "-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
    ))
}

fn from_pem(pem: &str) -> Option<Ed25519KeyPair> {
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = BASE64_STANDARD.decode(body.trim()).ok()?;
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok()
}

fn current(ring: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(ring.join("current")) {
        Ok(kid) => Ok(Some(kid.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Kids differ between key folders, so that a token of another stack is refused by its kid already.
fn new_kid(prefix: &str) -> String {
    format!("{prefix}-{:08x}", rand::random::<u32>())
}

fn write_secretly(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    whole_file::write(path, format!("{text}\n").as_bytes())
}
