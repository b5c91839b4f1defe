//! The programs of PostgreSQL that prepare a server.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{process::RunAs, servers::Servers, stores::StoreError};

/// Runs PostgreSQL's own programs as the server's user.
pub(super) struct Tools<'a> {
    pub(super) servers: &'a Servers,
    pub(super) run_as: RunAs,
    pub(super) password: &'a str,
}

impl Tools<'_> {
    /// An empty data folder with one superuser.
    pub(super) fn initdb(&self, data: &Path, superuser: &str) -> Result<(), StoreError> {
        let password_file = data.with_extension("password");
        std::fs::write(&password_file, self.password)
            .map_err(StoreError::io("writing the password of PostgreSQL"))?;
        self.give_away(&password_file)?;
        let made = self.run("initdb", |initdb| {
            initdb
                .arg("--pgdata")
                .arg(data)
                .arg("--pwfile")
                .arg(&password_file);
            initdb.args(["--username", superuser, "--auth", "scram-sha-256"]);
            // What a crash of the machine would lose is made anew; the servers themselves do fsync.
            initdb.args(["--encoding", "UTF8", "--locale", "C", "--no-sync"]);
        });
        std::fs::remove_file(&password_file)
            .map_err(StoreError::io("removing the password file of PostgreSQL"))?;
        made
    }

    /// A new database.
    pub(super) fn createdb(&self, port: u16, user: &str, name: &str) -> Result<(), StoreError> {
        self.run("createdb", |createdb| {
            createdb.args(["--host=127.0.0.1", "--no-password", "--username", user]);
            createdb.arg(format!("--port={port}")).arg(name);
        })
    }

    /// A copy of a running primary that will follow it.
    pub(super) fn basebackup(&self, data: &Path, port: u16, user: &str) -> Result<(), StoreError> {
        self.run("pg_basebackup", |backup| {
            backup.args(["--host=127.0.0.1", "--no-password", "--username", user]);
            backup
                .arg(format!("--port={port}"))
                .arg("--pgdata")
                .arg(data);
            backup.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
        })
    }

    fn run(&self, program: &str, arguments: impl FnOnce(&mut Command)) -> Result<(), StoreError> {
        let program = self.servers.postgres_program(program);
        let mut command = self.run_as.command(&program);
        forget_settings_of_the_caller(&mut command);
        arguments(&mut command);
        let output = command
            .env("PGPASSWORD", self.password)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .map_err(StoreError::io(format!("running {}", program.display())))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(StoreError::Tool {
            program,
            status: output.status,
            said,
        })
    }

    fn give_away(&self, file: &Path) -> Result<(), StoreError> {
        let RunAs::User { uid, gid } = self.run_as else {
            return Ok(());
        };
        std::os::unix::fs::chown(file, Some(uid), Some(gid)).map_err(StoreError::io(
            "giving the password file to PostgreSQL's user",
        ))
    }
}

/// `PGHOST`, `PGSERVICE`, `PGOPTIONS` … of whoever runs us point to other servers.
fn forget_settings_of_the_caller(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
}
