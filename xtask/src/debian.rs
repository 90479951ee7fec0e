//! `cargo xtask debian`: the tests of brokers against those of another release of Debian.
//!
//! The machine has one version of each broker. A folder with another release has the next one, and
//! the tests run in it: they find that release's programs at the places where they expect them.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use clap::Args;
use highwater_services::DEBIAN_PROGRAMS;

use crate::steps::{cargo, step};

/// The command line.
#[derive(Args)]
pub(crate) struct DebianOptions {
    /// The release
    #[arg(long, default_value = "trixie")]
    release: String,
    /// The tests to run, by parts of their names
    #[arg(default_values = ["redis", "rabbit", "amqp", "nats"])]
    tests: Vec<String>,
}

/// The packages whose programs the tests use.
const PACKAGES: &str = "redis-server redis-tools rabbitmq-server nats-server curl ca-certificates";
/// A test that mirrors a queue, which RabbitMQ has not done since version 4.
const MIRRORED: &str = "loss_of_servers_of_a_cluster_is_survived";
/// The file that says that a folder is complete.
const MARKER: &str = "highwater-installed";
/// The packages' own start of their servers, which a folder must not do.
const NO_SERVICES: &str = "#!/bin/sh\nexit 101\n";

/// Makes the folder, if it is not there, and runs the tests in it.
pub(crate) fn run(options: &DebianOptions) -> Result<()> {
    let workspace = std::env::current_dir()?;
    let root = workspace.join("target/debian").join(&options.release);
    if !root.join(MARKER).is_file() {
        install(&options.release, &root)?;
    }
    show_versions(&root)?;
    let script = workspace.join("xtask/debian/run.sh");
    // Cargo starts each test binary by it.
    let runner = format!(
        "target.'cfg(unix)'.runner={:?}",
        [&script, &root, &workspace]
    );
    let mut tests = cargo("test --package highwater-server --all-features --locked --config");
    tests.arg(runner).arg("--").args(&options.tests);
    tests.args(["--skip", MIRRORED]);
    step("tests of brokers", &mut tests)
}

fn install(release: &str, root: &Path) -> Result<()> {
    // What an earlier try left may be half a system.
    if root.exists() {
        fs::remove_dir_all(root).with_context(|| root.display().to_string())?;
    }
    fs::create_dir_all(root)?;
    highwater_services::install(DEBIAN_PROGRAMS)?;
    let mut bootstrap = Command::new("debootstrap");
    bootstrap.args(["--variant=minbase", release]).arg(root);
    step("a folder with another release", &mut bootstrap)?;
    let policy = root.join("usr/sbin/policy-rc.d");
    fs::write(&policy, NO_SERVICES)?;
    step("chmod", Command::new("chmod").arg("+x").arg(&policy))?;
    let mut install = Command::new("chroot");
    install
        .arg(root)
        .args(["apt-get", "install", "--yes", "--quiet=2"])
        .arg("--no-install-recommends")
        .args(PACKAGES.split(' '))
        .env("DEBIAN_FRONTEND", "noninteractive");
    step("its brokers", &mut install)?;
    fs::write(root.join(MARKER), PACKAGES)?;
    Ok(())
}

/// Prints which versions the tests run against.
fn show_versions(root: &Path) -> Result<()> {
    let format = "--showformat=${Package} ${Version}\\n";
    let mut versions = Command::new("chroot");
    versions.arg(root).args(["dpkg-query", "--show", format]);
    step("versions", versions.args(PACKAGES.split(' ')))
}
