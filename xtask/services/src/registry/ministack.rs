//! Ministack, an emulator of SNS, SQS, DynamoDB and its streams.
//!
//! The emulator is young, and it is not the provider: what it alone witnesses is a claim about
//! this project's code, and not about the provider's services. Everything is in its memory, so a
//! killed one has lost it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{
    Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe,
    python::PythonEnvironment,
};

/// The emulator's packages.
pub const MINISTACK: PythonEnvironment = PythonEnvironment {
    packages: "the Python packages of the emulator of SNS and SQS",
    requirements: include_str!("../../python/ministack.txt"),
    requirements_file: concat!(env!("CARGO_MANIFEST_DIR"), "/python/ministack.txt"),
    folder: concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/ministack"),
    hint: "`cargo xtask services install`, with a network",
};

/// The services of the emulator, which has a hundred others.
const SERVICES: &str = "sns,sqs,dynamodb,dynamodbstreams";
/// The emulator accepts any access key.
const KEY: &str = "test:test";

/// Starts the emulator.
#[derive(Debug)]
pub(crate) struct MinistackService {
    kind: ServiceKind,
    program: PathBuf,
    port: u16,
}

impl MinistackService {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub(crate) fn start(kind: ServiceKind) -> Result<Service, ServiceError> {
        Service::start(Self {
            kind,
            program: MINISTACK.program("ministack")?,
            port: port::pick_free_port()?,
        })
    }
}

impl ServiceDefinition for MinistackService {
    fn kind(&self) -> ServiceKind {
        self.kind
    }

    fn url(&self) -> String {
        let scheme = match self.kind {
            ServiceKind::MinistackStream => "dynamodb",
            _ => "sns",
        };
        format!("{scheme}://{KEY}@127.0.0.1:{}", self.port)
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir(directory.join("tmp"))
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let mut command = Command::new(&self.program);
        command
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", self.port.to_string())
            .env("SERVICES", SERVICES)
            // It would listen on another port for devices of MQTT.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            // It logs each message otherwise.
            .env("LOG_LEVEL", "WARNING")
            .env("TMPDIR", directory.join("tmp"));
        Ok(vec![command])
    }

    fn is_ready(&self) -> bool {
        is_ready(self.port)
    }
}

/// Whether the emulator at this port answers.
pub(crate) fn is_ready(port: u16) -> bool {
    probe::http_get_succeeds(port, "/_ministack/health")
}
