//! NATS with JetStream.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe, program};

/// Starts a NATS server whose streams are files.
#[derive(Debug)]
pub struct NatsService {
    program: PathBuf,
    port: u16,
    monitor: u16,
    options: NatsOptions,
}

/// The variants of a NATS server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NatsOptions {
    /// Whether it has JetStream.
    pub jetstream: bool,
    /// The content of its configuration file.
    pub config: &'static str,
}

impl Default for NatsOptions {
    /// Returns the options with JetStream only.
    fn default() -> Self {
        Self {
            jetstream: true,
            config: "",
        }
    }
}

const CONFIG: &str = "nats.conf";

impl NatsService {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        Self::start_with(NatsOptions::default())
    }

    /// Starts one of another kind, and waits until it greets.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start_with(options: NatsOptions) -> Result<Service, ServiceError> {
        Service::start(Self {
            program: program::NATS.require()?,
            port: port::pick_free_port()?,
            monitor: port::pick_free_port()?,
            options,
        })
    }
}

impl ServiceDefinition for NatsService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::Nats
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn monitor_url(&self) -> Option<String> {
        Some(format!("http://127.0.0.1:{}", self.monitor))
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        fs::write(directory.join(CONFIG), self.options.config)
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let mut command = Command::new(&self.program);
        command
            .args(["--addr", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--http_port", &self.monitor.to_string()])
            .arg("--config")
            .arg(directory.join(CONFIG));
        if self.options.jetstream {
            command
                .args([OsStr::new("--jetstream"), OsStr::new("--store_dir")])
                .arg(directory);
        }
        Ok(vec![command])
    }

    fn is_ready(&self) -> bool {
        // A server with authentication may require credentials, which its greeting does not need.
        let greets = if self.options == NatsOptions::default() {
            is_ready(self.port)
        } else {
            probe::answers_with(self.port, b"", |answer| answer.starts_with(b"INFO "))
        };
        greets && probe::http_get_succeeds(self.monitor, "/varz")
    }
}

/// Whether the server at this port greets with JetStream and answers a ping.
pub(crate) fn is_ready(port: u16) -> bool {
    // Without `verbose`, the server answers with a PONG alone, and not with `+OK` before it.
    probe::answers_with(port, b"CONNECT {\"verbose\":false}\r\nPING\r\n", |answer| {
        probe::contains(answer, "\"jetstream\":true") && probe::contains(answer, "PONG\r\n")
    })
}
