//! The images that tests of containers use.

use std::process::{Command, Stdio};

/// The script that makes them from Debian's packages.
const SCRIPT: &str = "deploy/images/local.sh";

/// Makes the images that are missing, where a container engine answers. Without them the tests of
/// containers skip themselves.
pub(super) fn install() {
    if !answers("docker", &["version"]) {
        return eprintln!("{:16} no container engine answers", "images");
    }
    let state = match Command::new(SCRIPT).arg("base").status() {
        Ok(status) if status.success() => "found".to_owned(),
        Ok(status) => format!("missing: {SCRIPT}: {status}"),
        Err(error) => format!("missing: {SCRIPT} cannot be started: {error}"),
    };
    eprintln!("{:16} {state}", "images");
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
