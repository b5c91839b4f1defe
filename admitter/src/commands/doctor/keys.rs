//! The folders of private keys, where they are given: usable, and for nobody else to read.

use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use shared::tokens::admission::AdmissionSigner;
use shared::tokens::key_ring::KeyRingError;
use shared::tokens::waiting::WaitingKeys;

use super::DoctorArgs;
use super::finding::Finding;

/// What others than the owner and the group may do with a file.
const OTHERS: u32 = 0o007;

pub(super) fn check(args: &DoctorArgs) -> Vec<Finding> {
    let waiting = args.waiting_keys.as_deref().map(|folder| {
        let opened = WaitingKeys::open(folder).map(drop);
        judge("waiting keys", folder, opened, exposed(folder))
    });
    let admission = args.admission_keys.as_deref().map(|folder| {
        let opened = AdmissionSigner::open(folder).map(drop);
        judge("admission keys", folder, opened, exposed(folder))
    });
    waiting.into_iter().chain(admission).collect()
}

fn judge(
    about: &str,
    folder: &Path,
    opened: Result<(), KeyRingError>,
    exposed: Option<PathBuf>,
) -> Finding {
    match (opened, exposed) {
        (Err(error), _) => {
            let cause = error.source().map(|cause| format!(": {cause}"));
            Finding::problem(
                about,
                format!("{error}{}", cause.unwrap_or_default()),
                "put <kid>.key or <kid>.pem there, and the name of the one that signs into `current`",
            )
        }
        (Ok(()), Some(path)) => Finding::problem(
            about,
            format!(
                "{} can be read by everybody on this machine",
                path.display()
            ),
            format!("chmod o-rwx {}", path.display()),
        ),
        (Ok(()), None) => Finding::ok(about, format!("{} is usable", folder.display())),
    }
}

/// A key in a folder that others may enter. A folder that they may not enter protects what is in it.
fn exposed(folder: &Path) -> Option<PathBuf> {
    let is_open = |path: &Path| {
        let mode = std::fs::metadata(path).map(|of| of.permissions().mode());
        mode.is_ok_and(|mode| mode & OTHERS != 0)
    };
    if !is_open(folder) {
        return None;
    }
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let keys = entries.map(|entry| entry.path()).filter(|path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        matches!(ending, Some("key" | "pem"))
    });
    keys.into_iter().find(|path| is_open(path))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_used_is_a_problem() {
        let args = DoctorArgs {
            max_connections: 1,
            waiting_keys: Some("/nowhere".into()),
            admission_keys: None,
        };
        let findings = check(&args);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].level, Level::Problem);
        assert!(
            findings[0].found.contains("/nowhere cannot be read"),
            "{findings:?}"
        );
    }

    #[test]
    fn a_key_that_everybody_can_read_is_a_problem() {
        let folder = Path::new("/keys");
        let level =
            |exposed: Option<&str>| judge("keys", folder, Ok(()), exposed.map(PathBuf::from)).level;
        assert_eq!(level(None), Level::Ok);
        assert_eq!(level(Some("/keys/a.pem")), Level::Problem);
    }
}
