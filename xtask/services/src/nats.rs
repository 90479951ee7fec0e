//! NATS with JetStream.

use std::{ffi::OsStr, path::Path, path::PathBuf, process::Command};

use crate::{Service, ServiceError, exchange, kind::Kind, port, program, recipe::Recipe};

/// Starts a NATS server whose streams are files.
#[derive(Debug)]
pub struct Nats {
    program: PathBuf,
    port: u16,
    monitor: u16,
}

impl Nats {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        Service::start(Self {
            program: program::NATS.require()?,
            port: port::pick()?,
            monitor: port::pick()?,
        })
    }
}

impl Recipe for Nats {
    fn name(&self) -> &'static str {
        Kind::Nats.name()
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn monitor(&self) -> Option<String> {
        Some(format!("http://127.0.0.1:{}", self.monitor))
    }

    fn servers(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let mut command = Command::new(&self.program);
        command
            .args(["--addr", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--http_port", &self.monitor.to_string()])
            .args([OsStr::new("--jetstream"), OsStr::new("--store_dir")])
            .arg(directory);
        Ok(vec![command])
    }

    fn answers(&self) -> bool {
        answers(self.port) && exchange::get(self.monitor, "/varz")
    }
}

/// Whether the server at this port greets with JetStream and answers a ping.
pub(crate) fn answers(port: u16) -> bool {
    exchange::ask(port, b"CONNECT {\"verbose\":false}\r\nPING\r\n", |answer| {
        exchange::contains(answer, "\"jetstream\":true") && exchange::contains(answer, "PONG\r\n")
    })
}
