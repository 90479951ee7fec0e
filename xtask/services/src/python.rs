//! The Python packages of the example servers, in a virtual environment of this workspace.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{ServiceError, program};

/// The packages with their versions.
const REQUIREMENTS: &str = include_str!("../../../examples/targets/requirements.txt");
/// The file with the packages, for pip.
const REQUIREMENTS_FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/targets/requirements.txt"
);
/// The environment. It lies beside what cargo builds, and `cargo clean` removes it.
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/example-servers");
/// The file that says which packages the environment holds, written when all are there.
const MARKER: &str = "installed.txt";

const HINT: &str = "`cargo xtask services install`, with a network";

/// Returns the interpreter that has the packages.
///
/// # Errors
/// [`ServiceError::Install`] where they are not installed.
pub fn interpreter() -> Result<PathBuf, ServiceError> {
    let environment = Path::new(ENVIRONMENT);
    let installed = fs::read_to_string(environment.join(MARKER)).unwrap_or_default();
    match installed == REQUIREMENTS {
        true => Ok(environment.join("bin/python")),
        false => Err(failed("they are not installed")),
    }
}

/// Installs the packages, and returns whether any was missing.
///
/// # Errors
/// [`ServiceError::Install`], for example without a network.
pub fn install() -> Result<bool, ServiceError> {
    if interpreter().is_ok() {
        return Ok(false);
    }
    let python = program::PYTHON.require()?;
    let environment = Path::new(ENVIRONMENT);
    // A newer list may lack packages of the older one, which would stay.
    run(Command::new(python)
        .args(["-m", "venv", "--clear"])
        .arg(environment))?;
    run(Command::new(environment.join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        // No package is compiled: that would need more than a compiler of C.
        "--only-binary=:all:",
        "--requirement",
        REQUIREMENTS_FILE,
    ]))?;
    fs::write(environment.join(MARKER), REQUIREMENTS)
        .map_err(|error| failed(&error.to_string()))?;
    Ok(true)
}

fn run(command: &mut Command) -> Result<(), ServiceError> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(&format!("{program}: {status}"))),
        Err(error) => Err(failed(&format!("{program} cannot be started: {error}"))),
    }
}

fn failed(reason: &str) -> ServiceError {
    ServiceError::Install {
        packages: "the Python packages of the example servers".to_owned(),
        reason: reason.to_owned(),
        hint: HINT,
    }
}
