//! Programs that are not part of this project: names, packages, lookup and version.

use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{process::Command, time::timeout};

/// The longest time for a program to print its version or to check a configuration.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most characters of a program's output that an error shows.
const MAX_SHOWN_OUTPUT_CHARS: usize = 1_000;

/// Folders of servers on Debian and elsewhere, which are not in every user's `PATH`.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// A program that is not part of this project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// The file name.
    pub name: &'static str,
    /// The package on Debian.
    pub package: &'static str,
}

/// nginx, the balancer.
pub const NGINX: Program = Program::new("nginx", "nginx-light");

/// HAProxy, the balancer.
pub const HAPROXY: Program = Program::new("haproxy", "haproxy");

/// The server of Redis.
pub const REDIS_SERVER: Program = Program::new("redis-server", "redis-server");

/// The server of NATS.
pub const NATS_SERVER: Program = Program::new("nats-server", "nats-server");

/// The server of RabbitMQ.
pub const RABBITMQ_SERVER: Program = Program::new("rabbitmq-server", "rabbitmq-server");

impl Program {
    /// Names a program and its package.
    pub const fn new(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }

    /// Returns the path of the program; `None` if it is not on this machine.
    pub fn path(self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
        folders
            .map(|folder| folder.join(self.name))
            .find(|candidate| candidate.is_file())
    }

    /// Returns the command that installs the program on Debian.
    pub fn install_command(self) -> String {
        format!("apt-get install --no-install-recommends {}", self.package)
    }

    /// Returns the version, such as `1.22.1`; `None` if the program prints none in time.
    pub async fn version(self, path: &Path) -> Option<String> {
        let output = output(path, ["-v"]).await.ok()?;
        // nginx prints it on stderr, HAProxy on stdout.
        let printed = [output.stdout, output.stderr].concat();
        parse_version(&String::from_utf8_lossy(&printed))
    }

    /// Lets the program check a configuration that `arguments` name.
    ///
    /// # Errors
    ///
    /// The program's own text, or the reason why it did not run.
    pub async fn check(
        self,
        path: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<(), String> {
        let output = output(path, arguments).await;
        let output = output.map_err(|error| format!("cannot run {}: {error}", self.name))?;
        if output.status.success() {
            return Ok(());
        }
        let printed = [output.stderr, output.stdout].concat();
        let printed = String::from_utf8_lossy(&printed);
        let printed = printed.trim().chars();
        Err(printed.take(MAX_SHOWN_OUTPUT_CHARS).collect())
    }
}

async fn output(
    path: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> io::Result<Output> {
    let mut command = Command::new(path);
    command
        .args(arguments)
        .stdin(Stdio::null())
        // The timeout drops the future, and would leave the program running.
        .kill_on_drop(true);
    let ended = timeout(OUTPUT_TIMEOUT, command.output()).await;
    ended.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Returns the first word that begins with a digit; a slash separates words, too.
fn parse_version(printed: &str) -> Option<String> {
    let mut words = printed.split([' ', '/', '\n']);
    let version = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    // The output of an unknown program may be one long word.
    Some(version.chars().take(64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_found_in_the_output_of_each_program() {
        for (printed, version) in [
            ("nginx version: nginx/1.22.1\n", Some("1.22.1")),
            (
                "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n",
                Some("2.6.12-1+deb12u4"),
            ),
            ("unknown option\n", None),
        ] {
            assert_eq!(parse_version(printed).as_deref(), version, "{printed}");
        }
    }

    #[test]
    fn missing_program_has_no_path() {
        let program = Program::new("highwater-no-such-balancer", "none-such");
        assert_eq!(program.path(), None);
        assert!(program.install_command().ends_with(" none-such"));
    }

    #[tokio::test]
    async fn failed_check_returns_the_output_of_the_program() {
        let shell = Program::new("sh", "dash");
        let path = shell.path().unwrap();
        let check = async |script: &str| shell.check(&path, ["-c", script]).await;
        assert_eq!(check("echo fine >&2").await, Ok(()));
        let rejected = check("echo 'line 3: unknown directive' >&2; exit 1").await;
        assert_eq!(rejected, Err("line 3: unknown directive".to_owned()));
    }
}
