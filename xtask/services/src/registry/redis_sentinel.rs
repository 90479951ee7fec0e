//! A Redis primary and its replica, with a Sentinel that watches them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use super::redis;
use crate::{Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe, program};

/// The name of the primary in the Sentinel's configuration.
const PRIMARY: &str = "primary";

/// Starts a Redis primary with a replica and a Sentinel.
#[derive(Debug)]
pub struct RedisSentinelService {
    program: PathBuf,
    primary: u16,
    replica: u16,
    sentinel: u16,
}

impl RedisSentinelService {
    /// Starts them and waits until the Sentinel knows the replica. The primary is the first
    /// process. A second after its death the replica is promoted.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        Service::start(Self {
            program: program::REDIS.require()?,
            primary: port::pick_free_port()?,
            replica: port::pick_free_port()?,
            sentinel: port::pick_free_port()?,
        })
    }

    fn configuration(&self) -> String {
        format!(
            "bind 127.0.0.1\nport {}\n\
             sentinel monitor {PRIMARY} 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds {PRIMARY} 1000\n\
             sentinel failover-timeout {PRIMARY} 10000\n",
            self.sentinel, self.primary
        )
    }
}

impl ServiceDefinition for RedisSentinelService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::Redis
    }

    /// Returns the URL of the Sentinel.
    fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/{PRIMARY}", self.sentinel)
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        for port in [self.primary, self.replica] {
            fs::create_dir(directory.join(port.to_string()))?;
        }
        fs::write(configuration_file(directory), self.configuration())
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let server = |port: u16| {
            let directory = directory.join(port.to_string());
            redis::server(&self.program, port, &directory)
        };
        let mut replica = server(self.replica);
        replica.args(["--replicaof", "127.0.0.1", &self.primary.to_string()]);
        let mut sentinel = Command::new(&self.program);
        sentinel
            .arg(configuration_file(directory))
            .arg("--sentinel");
        Ok(vec![server(self.primary), replica, sentinel])
    }

    fn is_ready(&self) -> bool {
        let knows_replica = |answer: &[u8]| {
            probe::contains(answer, "status=ok") && probe::contains(answer, "slaves=1")
        };
        probe::answers_with(self.sentinel, b"INFO sentinel\r\n", knows_replica)
    }
}

/// Returns the file in which a Sentinel also keeps its state.
fn configuration_file(directory: &Path) -> PathBuf {
    directory.join("sentinel.conf")
}
