//! The servers of `examples/targets/`, started as its pages say, on ports of the test's choice.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{Program, ServiceError, probe, process::ServiceProcess, program, python};

/// The timeout for the first answer: Django takes seconds on a busy machine.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// The time between two probes.
const POLL_INTERVAL: Duration = Duration::from_millis(30);
/// The name in messages.
const NAME: &str = "the example server";

/// The request that shows whether a server answers: any status does.
const PAGE_REQUEST: &[u8] =
    b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
/// The request for a broker that has nothing except sockets.
const SOCKET_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";

/// The parts of nginx's configuration that keep it inside of its directory, as one process.
const NGINX_DIRECTIVES: &str = "daemon off; master_process off; error_log stderr;";

/// A server of an example. Dropped, its process is killed and its directory is removed.
#[derive(Debug)]
pub struct ExampleServer {
    // Dropped in this order: the process, and the directory that it writes to.
    process: ServiceProcess,
    directory: TempDir,
}

impl ExampleServer {
    /// Starts a Python server with these arguments and waits until it answers at `port`.
    ///
    /// # Errors
    /// [`ServiceError`], also where the packages are not installed.
    pub fn python(script: &Path, arguments: &[&str], port: u16) -> Result<Self, ServiceError> {
        let interpreter = python::EXAMPLE_SERVERS.interpreter()?;
        Self::start(port, PAGE_REQUEST, |_| {
            let mut command = Command::new(&interpreter);
            // Unbuffered: the log shows why a server ended.
            command.arg("-u").arg(script).args(arguments);
            command.arg("--port").arg(port.to_string());
            Ok(command)
        })
    }

    /// Starts mosquitto with a configuration whose listener has this port. It logs every
    /// packet.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn mosquitto(configuration: &str, port: u16) -> Result<Self, ServiceError> {
        let server = (program::MOSQUITTO, SOCKET_REQUEST);
        Self::configured(server, port, configuration, |command, file| {
            command.arg("-v").arg("-c").arg(file);
        })
    }

    /// Starts HAProxy with a configuration that listens at this port.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn haproxy(configuration: &str, port: u16) -> Result<Self, ServiceError> {
        let server = (program::HAPROXY, PAGE_REQUEST);
        Self::configured(server, port, configuration, |command, file| {
            command.arg("-db").arg("-f").arg(file);
        })
    }

    /// Starts nginx with a configuration that listens at this port.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn nginx(configuration: &str, port: u16) -> Result<Self, ServiceError> {
        let server = (program::NGINX, PAGE_REQUEST);
        Self::configured(server, port, configuration, |command, file| {
            let directory = file.parent().unwrap_or(file);
            let pid = directory.join("nginx.pid");
            command.args(["-e", "stderr", "-g"]);
            command.arg(format!("{NGINX_DIRECTIVES} pid {};", pid.display()));
            command.arg("-p").arg(directory).arg("-c").arg(file);
        })
    }

    /// Starts Puma with an application of Action Cable at this port.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn action_cable(application: &str, port: u16) -> Result<Self, ServiceError> {
        let puma = program::PUMA.require()?;
        program::ACTION_CABLE.require()?;
        Self::start(port, PAGE_REQUEST, |directory| {
            // Puma reads the end of the name.
            let file = directory.join("config.ru");
            fs::write(&file, application).map_err(files_failed)?;
            let mut command = Command::new(&puma);
            command.arg("--bind").arg(format!("tcp://127.0.0.1:{port}"));
            command.arg(file);
            Ok(command)
        })
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Returns everything that the server has logged so far.
    pub fn log_text(&self) -> String {
        // A server that has logged nothing yet may have no file.
        fs::read_to_string(self.process.log_path()).unwrap_or_default()
    }

    /// Starts a program with a configuration file, whose argument `add` adds. The program comes
    /// with the request that it answers.
    fn configured(
        (program, request): (Program, &[u8]),
        port: u16,
        configuration: &str,
        add: impl Fn(&mut Command, &PathBuf),
    ) -> Result<Self, ServiceError> {
        let path = program.require()?;
        Self::start(port, request, |directory| {
            let file = directory.join("example.conf");
            fs::write(&file, configuration).map_err(files_failed)?;
            let mut command = Command::new(&path);
            add(&mut command, &file);
            Ok(command)
        })
    }

    fn start(
        port: u16,
        request: &[u8],
        command: impl Fn(&Path) -> Result<Command, ServiceError>,
    ) -> Result<Self, ServiceError> {
        let directory = tempfile::Builder::new()
            .prefix("highwater-example-")
            .tempdir()
            .map_err(files_failed)?;
        let process = ServiceProcess::start(&command(directory.path())?, directory.path())?;
        let mut server = Self { process, directory };
        server.wait_until_ready(port, request)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, port: u16, request: &[u8]) -> Result<(), ServiceError> {
        let deadline = Instant::now() + READY_TIMEOUT;
        while !probe::answers_with(port, request, |answer| answer.starts_with(b"HTTP/1.")) {
            self.process.check()?;
            if Instant::now() > deadline {
                return Err(ServiceError::NotReady {
                    service: NAME,
                    waited: READY_TIMEOUT,
                    log: self.process.log(),
                });
            }
            thread::park_timeout(POLL_INTERVAL);
        }
        Ok(())
    }

    /// Returns the directory of its files and logs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

fn files_failed(source: std::io::Error) -> ServiceError {
    ServiceError::Files {
        service: NAME,
        source,
    }
}
