//! A broker of Kafka's protocol: noida-db, a single small server.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{
    Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe, python::KAFKA_BROKERS,
};

/// Starts a broker whose topics are files.
#[derive(Debug)]
pub struct KafkaService {
    program: PathBuf,
    port: u16,
}

/// The program in its package.
const PROGRAM: &str = "noida_db/noida-db";

/// A request for the versions of the broker's requests, which a broker answers before any other
/// (`ApiVersions`, version 0, correlation id 1, without a client's name). Its length comes first.
const API_VERSIONS: &[u8] = &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
/// The beginning of the answer, behind its length: the correlation id, and no error.
const ANSWER: &[u8] = &[0, 0, 0, 1, 0, 0];

impl KafkaService {
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

impl ServiceDefinition for KafkaService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::Kafka
    }

    fn url(&self) -> String {
        format!("kafka://127.0.0.1:{}", self.port)
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let mut command = Command::new(&self.program);
        command
            .args(["start", "--only", "kafka"])
            .args(["--kafka-port", &self.port.to_string()])
            .arg("--data-dir")
            .arg(directory);
        Ok(vec![command])
    }

    fn is_ready(&self) -> bool {
        is_ready(self.port)
    }
}

/// Whether the broker at this port answers.
pub(crate) fn is_ready(port: u16) -> bool {
    probe::answers_with(port, API_VERSIONS, |answer| {
        answer
            .get(4..)
            .is_some_and(|answer| answer.starts_with(ANSWER))
    })
}
