//! Starts the processes of a cluster.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use highwater_process::{Child, Launch, Spawner, port};

use super::TestbedError;

/// The longest time until a process listens.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest time that the previous port of a process may stay in use when the process
/// starts again. A client that connected to it while the process was down may hold it.
const PORT_FREE_TIMEOUT: Duration = Duration::from_secs(15);

/// The niceness of the processes of a cluster except its broker, so that the load generator
/// gets the CPU first. Without it, deliveries to thousands of devices on one machine would delay the
/// heartbeats that are due meanwhile, and the harness itself would be late.
pub(super) const NICENESS: u8 = 10;

/// A launcher of processes. Each process logs to `ID.log` in one folder.
#[derive(Debug, Clone)]
pub(super) struct Launcher {
    /// The `highwater` binary.
    pub(super) exe: PathBuf,
    /// The folder of the logs.
    pub(super) log_dir: PathBuf,
    /// The thread that starts the processes.
    pub(super) spawner: Spawner,
    /// The niceness of the processes, [`NICENESS`] for most.
    pub(super) niceness: u8,
}

/// Arguments and environment variables that are added to a launch.
#[derive(Debug, Default)]
pub(super) struct LaunchArgs {
    /// Command-line arguments.
    pub(super) arguments: Vec<OsString>,
    /// Environment variables. Secrets go here, because every user of the machine can read
    /// the command line of a process.
    pub(super) env: Vec<(OsString, OsString)>,
}

impl LaunchArgs {
    /// Arguments without environment variables.
    pub(super) fn new(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            env: Vec::new(),
        }
    }

    /// Adds an option and its value.
    pub(super) fn push_option(&mut self, name: &str, value: impl Into<OsString>) {
        self.arguments.extend([name.into(), value.into()]);
    }

    /// Adds the arguments and variables of `other` behind these.
    pub(super) fn extend(&mut self, other: Self) {
        self.arguments.extend(other.arguments);
        self.env.extend(other.env);
    }
}

impl Launcher {
    /// Returns the launch of `highwater serve ROLE` on a port of 127.0.0.1. Port 0 leaves the
    /// choice to the system.
    pub(super) fn serve(&self, role: &str, port: u16, args: LaunchArgs, log: &Path) -> Launch {
        let listen = format!("127.0.0.1:{port}");
        let mut launch = Launch::new(&self.exe, ["serve", role, "--listen", &listen], log);
        launch.args.extend(args.arguments);
        launch.env = args.env;
        launch
    }

    /// Returns a launcher of processes at the priority of the harness. A broker that waits
    /// behind the nodes would take all of them for dead at once.
    pub(super) fn at_full_priority(&self) -> Self {
        Self {
            niceness: 0,
            ..self.clone()
        }
    }

    /// Starts a process.
    pub(super) async fn spawn(&self, id: &str, launch: Launch) -> Result<Child, TestbedError> {
        let spawned = self
            .spawner
            .spawn(launch.with_niceness(self.niceness))
            .await;
        spawned.map_err(|source| TestbedError::Start {
            id: id.into(),
            source,
        })
    }

    /// Starts a process that prints `listening on ADDRESS` as its first line, and returns
    /// it with that address.
    pub(super) async fn spawn_listening(
        &self,
        id: &str,
        launch: Launch,
    ) -> Result<(Child, SocketAddr), TestbedError> {
        // A process prints the line once its socket listens, so the address is usable at once.
        // It also holds the port that the system chose, if the process asked for port 0.
        let mut child = self.spawn(id, launch.with_first_line()).await?;
        let line = child.first_stdout_line(LISTEN_TIMEOUT).await;
        let line = line.map_err(|source| TestbedError::Start {
            id: id.into(),
            source,
        })?;
        let address =
            parse_listen_line(&line).ok_or_else(|| TestbedError::UnexpectedFirstLine {
                id: id.into(),
                line,
            })?;
        Ok((child, address))
    }
}

/// Waits until the previous port of a process is free again.
pub(super) async fn wait_until_port_is_free(id: &str, port: u16) -> Result<(), TestbedError> {
    match port::becomes_free(port, PORT_FREE_TIMEOUT).await {
        true => Ok(()),
        false => Err(TestbedError::PortTaken {
            id: id.into(),
            port,
            waited: PORT_FREE_TIMEOUT,
        }),
    }
}

fn parse_listen_line(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening on ")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_line_without_an_address_is_rejected() {
        assert_eq!(
            parse_listen_line("listening on 127.0.0.1:4711"),
            Some(SocketAddr::from(([127, 0, 0, 1], 4711)))
        );
        assert_eq!(parse_listen_line("listening on localhost"), None);
        assert_eq!(parse_listen_line("n1 is listening on 127.0.0.1:4711"), None);
        assert_eq!(parse_listen_line(""), None);
    }
}
