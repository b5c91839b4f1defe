//! A site of a test: `devstack up` and `down` in a folder of its own.

use std::{path::PathBuf, process::Output};

use devstack::{
    process::{Identity, Note},
    stack_file::{self, Stack},
};

use crate::{folder::Folder, programs};

pub(crate) struct Site {
    folder: Folder,
}

impl Site {
    /// Nothing runs yet.
    pub(crate) fn new() -> Self {
        Self {
            folder: Folder::new(),
        }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.folder.join("dev")
    }

    /// Runs a command of devstack on this site.
    pub(crate) fn devstack(&self, arguments: &[&str]) -> Output {
        let mut command = programs::devstack(&self.folder.join("bin"));
        command
            .args(arguments)
            .arg("--dir")
            .arg(self.dir())
            .output()
            .unwrap()
    }

    /// Brings the site up.
    pub(crate) fn up(&self) -> Stack {
        let output = self.devstack(&["up", "--any-ports"]);
        assert!(output.status.success(), "{}", said(&output));
        self.stack()
    }

    pub(crate) fn stack(&self) -> Stack {
        stack_file::read(&self.dir().join("stack.json")).unwrap()
    }

    /// Who runs under a name.
    pub(crate) fn identity(&self, name: &str) -> Identity {
        let note = self.dir().join("logs").join(format!("{name}.process"));
        Note::read(&note).unwrap().identity
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Whatever the test did to it, nothing of it stays.
        let _ = self.devstack(&["down", "--force"]);
    }
}

/// Everything that a command said.
pub(crate) fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).into_owned()
}
