//! What a check-up finds.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and may not when it is needed most.
    Warn,
    /// It does not work, or somebody will lose something.
    Problem,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at.
    pub about: String,
    /// What is the case.
    pub found: String,
    /// What to change; `None` where nothing is to be changed.
    pub change: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(about: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            about: about.into(),
            found: found.into(),
            change: None,
        }
    }

    /// Something to look after.
    pub fn warn(
        about: impl Into<String>,
        found: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Warn,
            change: Some(change.into()),
            ..Self::ok(about, found)
        }
    }

    /// Something to change now.
    pub fn problem(
        about: impl Into<String>,
        found: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Problem,
            ..Self::warn(about, found, change)
        }
    }
}
