//! Python packages that tests and benches use, in virtual environments of this workspace.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{ServiceError, program};

/// A virtual environment with packages of fixed versions. It lies beside what cargo builds,
/// and `cargo clean` removes it.
#[derive(Debug, Clone, Copy)]
pub struct PythonEnvironment {
    /// The packages, in words for messages.
    pub(crate) packages: &'static str,
    /// The content of the file with the packages.
    pub(crate) requirements: &'static str,
    /// The file with the packages, for pip.
    pub(crate) requirements_file: &'static str,
    /// The folder.
    pub(crate) folder: &'static str,
    /// The next step for a person who lacks the packages.
    pub(crate) hint: &'static str,
}

/// The packages of the example servers.
pub const EXAMPLE_SERVERS: PythonEnvironment = PythonEnvironment {
    packages: "the Python packages of the example servers",
    requirements: include_str!("../../../examples/targets/requirements.txt"),
    requirements_file: concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/targets/requirements.txt"
    ),
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/example-servers"),
    hint: "`cargo xtask services install`, with a network",
};

/// A STOMP client of others.
pub const STOMP_CLIENT: PythonEnvironment = PythonEnvironment {
    packages: "the Python packages of the STOMP client",
    requirements: include_str!("../../stomp/requirements.txt"),
    requirements_file: concat!(env!("CARGO_MANIFEST_DIR"), "/../stomp/requirements.txt"),
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/stomp-client"),
    hint: "`cargo xtask services install`, with a network",
};

/// Programs that analyse the tables of an export.
pub const DATA_TOOLS: PythonEnvironment = PythonEnvironment {
    packages: "the Python packages that read exports",
    requirements: include_str!("../../export/requirements.txt"),
    requirements_file: concat!(env!("CARGO_MANIFEST_DIR"), "/../export/requirements.txt"),
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/data-tools"),
    hint: "`cargo xtask services install`, with a network",
};

/// The load testing tools that a bench compares Highwater with.
pub const PEERS: PythonEnvironment = PythonEnvironment {
    packages: "the Python packages of the other load testing tools",
    requirements: include_str!("../../peers/requirements.txt"),
    requirements_file: concat!(env!("CARGO_MANIFEST_DIR"), "/../peers/requirements.txt"),
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers/tools"),
    hint: "`cargo xtask bench peers --install`, with a network",
};

/// The brokers of Kafka's protocol.
pub const KAFKA_BROKERS: PythonEnvironment = PythonEnvironment {
    packages: "the Python packages of the Kafka brokers",
    requirements: include_str!("../python/kafka.txt"),
    requirements_file: concat!(env!("CARGO_MANIFEST_DIR"), "/python/kafka.txt"),
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/kafka-brokers"),
    hint: "`cargo xtask services install`, with a network",
};

/// The file that says which packages an environment holds, written when all are there.
const MARKER: &str = "installed.txt";

impl PythonEnvironment {
    /// Returns the interpreter that has the packages.
    ///
    /// # Errors
    /// [`ServiceError::Install`] where they are not installed.
    pub fn interpreter(&self) -> Result<PathBuf, ServiceError> {
        self.program("python")
    }

    /// Returns the path of a program that the packages brought.
    ///
    /// # Errors
    /// [`ServiceError::Install`] where they are not installed.
    pub fn program(&self, name: &str) -> Result<PathBuf, ServiceError> {
        let environment = Path::new(self.folder);
        let installed = fs::read_to_string(environment.join(MARKER)).unwrap_or_default();
        match installed == self.requirements {
            true => Ok(environment.join("bin").join(name)),
            false => Err(self.failed("they are not installed")),
        }
    }

    /// Returns the path of a file that a package brought: `PACKAGE/FILE`.
    ///
    /// # Errors
    /// [`ServiceError::Install`] where it is not there.
    pub fn package_file(&self, file: &str) -> Result<PathBuf, ServiceError> {
        self.interpreter()?;
        let libraries = Path::new(self.folder).join("lib");
        // One folder for the version of Python.
        let versions = fs::read_dir(&libraries).into_iter().flatten().flatten();
        let mut files = versions.map(|version| version.path().join("site-packages").join(file));
        files
            .find(|path| path.is_file())
            .ok_or_else(|| self.failed(&format!("{file} is in no package")))
    }

    /// Installs the packages, and returns whether any was missing.
    ///
    /// # Errors
    /// [`ServiceError::Install`], for example without a network.
    pub fn install(&self) -> Result<bool, ServiceError> {
        if self.interpreter().is_ok() {
            return Ok(false);
        }
        let python = program::PYTHON.require()?;
        let environment = Path::new(self.folder);
        // A newer list may lack packages of the older one, which would stay.
        self.run(
            Command::new(python)
                .args(["-m", "venv", "--clear"])
                .arg(environment),
        )?;
        self.run(Command::new(environment.join("bin/pip")).args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            // No package is compiled: that would need more than a compiler of C.
            "--only-binary=:all:",
            "--requirement",
            self.requirements_file,
        ]))?;
        fs::write(environment.join(MARKER), self.requirements)
            .map_err(|error| self.failed(&error.to_string()))?;
        Ok(true)
    }

    fn run(&self, command: &mut Command) -> Result<(), ServiceError> {
        let program = command.get_program().to_string_lossy().into_owned();
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failed(&format!("{program}: {status}"))),
            Err(error) => Err(self.failed(&format!("{program} cannot be started: {error}"))),
        }
    }

    fn failed(&self, reason: &str) -> ServiceError {
        ServiceError::Install {
            packages: self.packages.to_owned(),
            reason: reason.to_owned(),
            hint: self.hint,
        }
    }
}
