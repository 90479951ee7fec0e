//! Outside programs that the tests hold this project against.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::steps::step;

/// A program and how to get it.
struct Service {
    program: &'static str,
    /// Debian's package.
    package: &'static str,
    used_for: &'static str,
}

const SERVICES: &[Service] = &[
    Service {
        program: "promtool",
        package: "prometheus",
        used_for: "tests: checks what a node serves at /metrics",
    },
    Service {
        program: "chromium",
        package: "chromium",
        used_for: "tests and pictures: opens reports",
    },
    Service {
        program: "tmux",
        package: "tmux",
        used_for: "pictures: the live display in a terminal",
    },
    Service {
        program: "aha",
        package: "aha",
        used_for: "pictures: a terminal's colours as a page",
    },
];

/// Lists the programs, or installs those that are missing.
pub(crate) fn run(install: bool) -> Result<()> {
    let missing: Vec<_> = SERVICES
        .iter()
        .filter(|service| !present(service))
        .collect();
    for service in SERVICES {
        let state = if present(service) { "found" } else { "missing" };
        eprintln!(
            "{:10} {state:8} {} (Debian: {})",
            service.program, service.used_for, service.package
        );
    }
    if missing.is_empty() || !install {
        return Ok(());
    }
    step(
        "package list",
        Command::new("apt-get").args(["update", "--quiet=2"]),
    )?;
    let packages = missing.iter().map(|service| service.package);
    step(
        "packages",
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    match missing.iter().find(|service| !present(service)) {
        None => Ok(()),
        Some(service) => bail!("{} is still missing", service.program),
    }
}

fn present(service: &Service) -> bool {
    Command::new(service.program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}
