//! The installation of missing programs from Debian's packages.

use std::{collections::BTreeSet, process::Command};

use nix::unistd::geteuid;

use crate::{Program, ServiceError};

/// Seconds that another apt may hold its lock.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=300";

/// Installs the packages of the missing ones of these programs with apt-get, and returns the
/// programs that were missing. apt-get does not run if every program is there.
///
/// # Errors
/// [`ServiceError::Install`] when this is not root, or apt-get fails, or a program
/// is missing afterwards.
pub fn install(programs: &'static [Program]) -> Result<Vec<&'static Program>, ServiceError> {
    let missing: Vec<_> = missing(programs).collect();
    if missing.is_empty() {
        return Ok(missing);
    }
    let packages: BTreeSet<_> = missing.iter().map(|program| program.package()).collect();
    if !geteuid().is_root() {
        return Err(failed(&packages, "this is not root".to_owned()));
    }
    let install = ["install", "--yes", "--quiet=2", "--no-install-recommends"];
    // A fresh image of Debian has no lists of packages.
    apt_get(&["update", "--quiet=2"], &BTreeSet::new())
        .and_then(|()| apt_get(&install, &packages))
        .map_err(|reason| failed(&packages, reason))?;
    // A package may lack the program that its entry names.
    match self::missing(programs).next() {
        None => Ok(missing),
        Some(program) => Err(failed(
            &packages,
            format!("{} is still missing", program.name()),
        )),
    }
}

fn missing(programs: &'static [Program]) -> impl Iterator<Item = &'static Program> {
    programs.iter().filter(|program| program.path().is_none())
}

fn apt_get(arguments: &[&str], packages: &BTreeSet<&str>) -> Result<(), String> {
    let status = Command::new("apt-get")
        .args(["--option", LOCK_TIMEOUT])
        .args(arguments)
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .map_err(|error| format!("apt-get cannot be started: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("apt-get {}: {status}", arguments[0]))
    }
}

fn failed(packages: &BTreeSet<&str>, reason: String) -> ServiceError {
    let packages: Vec<_> = packages.iter().copied().collect();
    ServiceError::Install {
        packages: packages.join(" "),
        reason,
        hint: "`apt-get install --no-install-recommends` them as root",
    }
}
