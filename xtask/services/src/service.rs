//! A running service.

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use highwater_process::{ProcessError, Signal, log};
use tempfile::TempDir;

use crate::{ServiceError, cleanup, definition::ServiceDefinition, process::ServiceProcess};

/// The timeout for a service's first answer: RabbitMQ takes 9 s on an idle machine.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
/// The time between two probes.
const POLL_INTERVAL: Duration = Duration::from_millis(30);

/// A service that was started here. Dropped, its processes are killed and its
/// directory is removed; should this process die first, the kernel kills them.
#[derive(Debug)]
pub struct Service {
    definition: Box<dyn ServiceDefinition>,
    // Dropped in this order: servers, what they need, where they write.
    servers: Vec<ServiceProcess>,
    helpers: Vec<ServiceProcess>,
    directory: TempDir,
}

impl Service {
    /// Starts the servers of a definition and waits until they answer.
    pub(crate) fn start(
        definition: impl ServiceDefinition + 'static,
    ) -> Result<Self, ServiceError> {
        let service = definition.kind().name();
        let files = |source| ServiceError::Files { service, source };
        let directory = tempfile::Builder::new()
            .prefix(&format!("highwater-{service}-"))
            .tempdir()
            .map_err(files)?;
        definition.prepare(directory.path()).map_err(files)?;
        let mut service = Self {
            helpers: start_all(definition.helper_commands()?, directory.path())?,
            definition: Box::new(definition),
            servers: Vec::new(),
            directory,
        };
        service.start_servers()?;
        // The nodes of a Redis cluster have to listen before they are joined.
        if let Some(mut init) = service.definition.init_command()? {
            service.run(&mut init)?;
        }
        service.wait_until(|definition| definition.is_ready())?;
        Ok(service)
    }

    /// Removes the directory when this process ends. A service in a static needs this,
    /// because a static is never dropped.
    ///
    /// # Errors
    /// [`ServiceError::Files`].
    pub fn with_cleanup_at_exit(self) -> Result<Self, ServiceError> {
        cleanup::remove_after_exit(self.directory()).map_err(|source| ServiceError::Files {
            service: self.name(),
            source,
        })?;
        Ok(self)
    }

    /// Returns the name in `cargo xtask services up NAME`.
    pub fn name(&self) -> &'static str {
        self.definition.kind().name()
    }

    /// Returns the URL for clients, with user and password where the service needs them.
    pub fn url(&self) -> String {
        self.definition.url()
    }

    /// Returns `http://HOST:PORT` of its own metrics: NATS' monitoring port, RabbitMQ's
    /// Prometheus port. `None` for a service without one.
    pub fn monitor_url(&self) -> Option<String> {
        self.definition.monitor_url()
    }

    /// Returns `http://USER:PASSWORD@HOST:PORT` of its management interface, if there is
    /// one (RabbitMQ).
    pub fn admin_url(&self) -> Option<String> {
        self.definition.admin_url()
    }

    /// Returns `stomp://[USER:PASSWORD@]HOST:PORT[,HOST:PORT]` of its STOMP listeners, if it has
    /// any (RabbitMQ, ActiveMQ).
    pub fn stomp_url(&self) -> Option<String> {
        self.definition.stomp_url()
    }

    /// Returns `ws://HOST:PORT/ws` of each server that speaks STOMP over WebSocket (RabbitMQ).
    pub fn web_stomp_urls(&self) -> Vec<String> {
        self.definition.web_stomp_urls()
    }

    /// Returns the directory of its files and logs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the id of the server's process, or of the first one of a cluster; `None`
    /// after [`kill`](Self::kill).
    pub fn pid(&self) -> Option<u32> {
        self.servers.first().map(ServiceProcess::pid)
    }

    /// Returns the ids of all its servers' processes.
    pub fn pids(&self) -> Vec<u32> {
        self.servers.iter().map(ServiceProcess::pid).collect()
    }

    /// Whether it serves clients now.
    pub fn is_ready(&self) -> bool {
        self.definition.is_ready()
    }

    /// Kills all its servers with SIGKILL and waits for their end. A second call does
    /// nothing.
    pub fn kill(&mut self) {
        // The drop of a process kills it, and returns once its port is free.
        self.servers.clear();
    }

    /// Kills the server with this process id, one of a cluster, and waits for its end.
    /// [`restart`](Self::restart) starts it again.
    pub fn kill_one(&mut self, pid: u32) {
        self.servers.retain(|server| server.pid() != pid);
    }

    /// Starts it again, at the same address and in the same directory, and waits
    /// until it answers. Servers that still run are killed first.
    ///
    /// # Errors
    /// [`ServiceError`]: a server cannot be started, or does not answer.
    pub fn restart(&mut self) -> Result<(), ServiceError> {
        self.kill();
        self.start_servers()?;
        self.wait_until(|definition| definition.is_ready())
    }

    /// Stops its processes with SIGSTOP: connections stay, nothing is answered.
    ///
    /// # Errors
    /// [`ServiceError::NotRunning`] after a kill.
    pub fn pause(&self) -> Result<(), ServiceError> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets paused processes go on.
    ///
    /// # Errors
    /// [`ServiceError::NotRunning`] after a kill.
    pub fn resume(&self) -> Result<(), ServiceError> {
        self.signal(Signal::SIGCONT)
    }

    /// Runs the service's own control program (RabbitMQ's `rabbitmqctl`) with these
    /// arguments, to its end.
    ///
    /// # Errors
    /// [`ServiceError`]: it cannot be started, or does not succeed.
    ///
    /// # Panics
    /// When the service has none.
    pub fn control(&self, arguments: &[&str]) -> Result<(), ServiceError> {
        let command = self
            .definition
            .control_command(self.directory.path(), arguments);
        let Some(mut command) = command else {
            panic!("{} has no control program", self.name());
        };
        self.run(&mut command)
    }

    fn signal(&self, signal: Signal) -> Result<(), ServiceError> {
        if self.servers.is_empty() {
            return Err(ServiceError::NotRunning {
                service: self.name(),
            });
        }
        self.servers
            .iter()
            .try_for_each(|server| server.signal(signal))
    }

    fn start_servers(&mut self) -> Result<(), ServiceError> {
        let commands = self.definition.server_commands(self.directory.path())?;
        self.servers = start_all(commands, self.directory.path())?;
        self.wait_until(|definition| definition.is_listening())
    }

    fn wait_until(
        &mut self,
        condition: impl Fn(&dyn ServiceDefinition) -> bool,
    ) -> Result<(), ServiceError> {
        let deadline = Instant::now() + READY_TIMEOUT;
        loop {
            // A server that has ended never answers: its log says more than a timeout.
            let mut processes = self.servers.iter_mut().chain(&mut self.helpers);
            processes.try_for_each(ServiceProcess::check)?;
            if condition(&*self.definition) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(ServiceError::NotReady {
                    service: self.name(),
                    waited: READY_TIMEOUT,
                    log: self.servers[0].log(),
                });
            }
            thread::park_timeout(POLL_INTERVAL);
        }
    }

    /// Runs a command to its end.
    fn run(&self, command: &mut Command) -> Result<(), ServiceError> {
        let program = command.get_program().into();
        let output = command
            .output()
            .map_err(|source| ProcessError::Start { program, source })?;
        if output.status.success() {
            return Ok(());
        }
        let log = self.directory.path().join("run.log");
        // Without this file, the error below says how the program ended, and not why.
        let _ = std::fs::write(&log, [output.stdout, output.stderr].concat());
        Err(ProcessError::Exited {
            program: command.get_program().to_string_lossy().into_owned(),
            exit: output.status.into(),
            log: log::tail(&log),
        }
        .into())
    }
}

fn start_all(
    commands: Vec<Command>,
    directory: &Path,
) -> Result<Vec<ServiceProcess>, ServiceError> {
    commands
        .iter()
        .map(|command| ServiceProcess::start(command, directory))
        .collect()
}
