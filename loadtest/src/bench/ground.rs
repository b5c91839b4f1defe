//! What every benchmark stands on: a running stack, and its settings, which are in the file beside `stack.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use devstack::stack_file::{self, Stack};
use serde_json::{Value, json};

use crate::tokens::Minter;

/// A running stack.
pub(super) struct Ground {
    pub stack: Stack,
    /// The stack's own folder.
    folder: PathBuf,
}

impl Ground {
    pub(super) fn open(stack_file: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            stack: stack_file::read(stack_file)?,
            folder: stack_file.parent().unwrap_or(Path::new(".")).to_owned(),
        })
    }

    /// Where processes of a benchmark log. What leaves a note there ends with the stack at the latest.
    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// The settings with which the services of the stack run.
    pub(super) fn settings(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let path = self.folder.join("env");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read the stack's settings {}", path.display()))?;
        Ok(text.lines().filter_map(setting).collect())
    }

    /// What signs user tokens that the stack believes.
    pub(super) fn minter(&self) -> anyhow::Result<Minter> {
        let now = jiff::Timestamp::now();
        Minter::open(&self.stack.user_token_key, &self.stack.user_token_kid, now)
    }

    /// What the figures depend on; a benchmark adds its own.
    pub(super) async fn conditions(&self, own: Value) -> Value {
        let mut conditions = json!({
            "measured_at": crate::report::measured_at(),
            "commit": crate::report::commit(),
            "cores": std::thread::available_parallelism().map_or(1, usize::from),
            "profile": crate::report::profile_of(&self.stack.bin),
            "redis": super::redis_version(&self.stack.redis).await,
        });
        if let (Some(all), Value::Object(own)) = (conditions.as_object_mut(), own) {
            all.extend(own);
        }
        conditions
    }
}

/// `NAME='value'`, as a shell reads it.
fn setting(line: &str) -> Option<(String, String)> {
    let (name, quoted) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
    let value = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
    Some((name.to_owned(), value.replace(r"'\''", "'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_a_shell_reads_them() {
        let read = |line| setting(line).map(|(_, value)| value);
        assert_eq!(read("NAME='it'\\''s'").as_deref(), Some("it's"));
        assert_eq!(read("URL='a=b'").as_deref(), Some("a=b"));
        assert_eq!(read("# NAME='x'"), None);
        assert_eq!(read("NAME=x"), None);
    }
}
