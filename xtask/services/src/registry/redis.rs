//! Redis.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe, program};

/// Starts a Redis server.
#[derive(Debug)]
pub struct RedisService {
    port: u16,
    program: PathBuf,
    options: RedisOptions,
}

/// The variants of a Redis server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RedisOptions {
    /// Whether its contents survive a kill: every command is in the append-only file
    /// before it is answered.
    pub persistent: bool,
}

impl RedisService {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start(options: RedisOptions) -> Result<Service, ServiceError> {
        Service::start(Self {
            program: program::REDIS.require()?,
            port: port::pick_free_port()?,
            options,
        })
    }
}

impl ServiceDefinition for RedisService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::Redis
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let append_only = if self.options.persistent { "yes" } else { "no" };
        let mut command = server(&self.program, self.port, directory);
        command.args(["--appendonly", append_only]);
        Ok(vec![command])
    }

    fn is_ready(&self) -> bool {
        is_ready(self.port)
    }
}

/// Returns the command of a server on this port, with its files in this directory and
/// without snapshots.
pub(crate) fn server(program: &Path, port: u16, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args([OsStr::new("--dir"), directory.as_os_str()])
        .args(["--save", ""])
        // With the default, a busy disk delays the write and not the answer, so a killed
        // server may have answered commands that it has not written.
        .args(["--appendfsync", "no"]);
    command
}

/// Whether the server at this port serves commands, which it does not while it loads.
pub(crate) fn is_ready(port: u16) -> bool {
    probe::answers_with(port, b"PING\r\n", |answer| answer.starts_with(b"+PONG"))
}
