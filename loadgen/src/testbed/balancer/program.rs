//! What must be on the machine. Nothing is installed by a run.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use super::super::TestbedError;

/// How long a program may take to say its version.
const VERSION_WITHIN: Duration = Duration::from_secs(5);

/// Where Debian and others put servers, which is not in everybody's `PATH`.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// A program of somebody else's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    /// Its file name.
    pub(super) name: &'static str,
    /// Debian's package.
    package: &'static str,
}

pub(super) const NGINX: Program = Program {
    name: "nginx",
    package: "nginx-light",
};

pub(super) const HAPROXY: Program = Program {
    name: "haproxy",
    package: "haproxy",
};

impl Program {
    /// Where it is.
    pub(super) fn find(self) -> Result<PathBuf, TestbedError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
        let mut candidates = folders.map(|folder| folder.join(self.name));
        candidates
            .find(|candidate| candidate.is_file())
            .ok_or_else(|| TestbedError::ProgramMissing {
                program: self.name,
                hint: format!(
                    "install it (Debian: `apt-get install --no-install-recommends {}`), or take \
                     another one with `--set cluster.balancer=gateway`",
                    self.package
                ),
            })
    }

    /// Its version as it says it, such as `1.22.1`; `None` if it says none in time.
    pub(super) async fn version(self, program: &Path) -> Option<String> {
        let mut command = Command::new(program);
        command.arg("-v").kill_on_drop(true);
        let output = timeout(VERSION_WITHIN, command.output()).await.ok()?.ok()?;
        // nginx says it on stderr.
        let said = [output.stdout, output.stderr].concat();
        read_version(&String::from_utf8_lossy(&said))
    }
}

/// The first word that begins with a digit, or what stands behind a slash.
fn read_version(said: &str) -> Option<String> {
    let mut words = said.split([' ', '/', '\n']);
    let version = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(version.chars().take(64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (said, version) in [
            ("nginx version: nginx/1.22.1\n", Some("1.22.1")),
            (
                "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n",
                Some("2.6.12-1+deb12u4"),
            ),
            ("unknown option\n", None),
        ] {
            assert_eq!(read_version(said).as_deref(), version, "{said}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named_with_its_package() {
        let program = Program {
            name: "highwater-no-such-balancer",
            package: "none-such",
        };
        let error = program.find().unwrap_err();
        assert_eq!(
            error.to_string(),
            "highwater-no-such-balancer is not on this machine"
        );
        assert!(
            matches!(&error, TestbedError::ProgramMissing { hint, .. } if hint.contains("none-such"))
        );
    }
}
