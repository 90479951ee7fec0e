//! Programs of somebody else's that a run needs and does not install.

use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use highwater_scenarios::plan::BalancerKind;
use tokio::{process::Command, time::timeout};

/// How long a program may take to say its version, or what it has against a
/// configuration.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of an objection is shown, in characters.
const MAX_SHOWN_OUTPUT_CHARS: usize = 1_000;

/// Where Debian and others put servers, which is not in everybody's `PATH`.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// A program of somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BalancerProgram {
    /// Its file name.
    pub(crate) name: &'static str,
    /// Debian's package.
    pub(crate) package: &'static str,
}

pub(crate) const NGINX: BalancerProgram = BalancerProgram {
    name: "nginx",
    package: "nginx-light",
};

pub(crate) const HAPROXY: BalancerProgram = BalancerProgram {
    name: "haproxy",
    package: "haproxy",
};

impl BalancerProgram {
    /// The one that a balancer is; none for our own.
    pub(crate) fn for_balancer(balancer: BalancerKind) -> Option<Self> {
        match balancer {
            BalancerKind::None | BalancerKind::Gateway => None,
            BalancerKind::Nginx => Some(NGINX),
            BalancerKind::Haproxy => Some(HAPROXY),
        }
    }

    /// Where it is; `None` if it is not on this machine.
    pub(crate) fn path(self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
        folders
            .map(|folder| folder.join(self.name))
            .find(|candidate| candidate.is_file())
    }

    /// What brings it to a Debian machine.
    pub(crate) fn install_command(self) -> String {
        format!("apt-get install --no-install-recommends {}", self.package)
    }

    /// Its version as it says it, such as `1.22.1`; `None` if it says none in time.
    pub(crate) async fn version(self, path: &Path) -> Option<String> {
        let output = output(path, [OsStr::new("-v")]).await.ok()?;
        // nginx says it on stderr.
        let said = [output.stdout, output.stderr].concat();
        read_version(&String::from_utf8_lossy(&said))
    }

    /// Has it look at a configuration without using it; `arguments` say how it is asked.
    /// What it has against it, in its own words.
    pub(crate) async fn check<'a>(
        self,
        path: &Path,
        arguments: impl IntoIterator<Item = &'a OsStr>,
    ) -> Result<(), String> {
        let output = output(path, arguments).await;
        let output = output.map_err(|error| format!("cannot ask {}: {error}", self.name))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        Err(said.trim().chars().take(MAX_SHOWN_OUTPUT_CHARS).collect())
    }
}

/// What a program says, and how it ended.
async fn output<'a>(
    path: &Path,
    arguments: impl IntoIterator<Item = &'a OsStr>,
) -> io::Result<Output> {
    let mut command = Command::new(path);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = timeout(OUTPUT_TIMEOUT, command.output()).await;
    ended.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
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
    fn a_program_that_is_not_there_has_no_path() {
        let program = BalancerProgram {
            name: "highwater-no-such-balancer",
            package: "none-such",
        };
        assert_eq!(program.path(), None);
        assert!(program.install_command().ends_with(" none-such"));
    }

    #[tokio::test]
    async fn a_check_says_what_the_program_says() {
        let shell = BalancerProgram {
            name: "sh",
            package: "dash",
        };
        let path = shell.path().unwrap();
        let check = async |script: &str| {
            let arguments = [OsStr::new("-c"), OsStr::new(script)];
            shell.check(&path, arguments).await
        };
        assert_eq!(check("echo fine >&2").await, Ok(()));
        let refused = check("echo 'line 3: what is this' >&2; exit 1").await;
        assert_eq!(refused, Err("line 3: what is this".to_owned()));
    }
}
