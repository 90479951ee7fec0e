//! A cluster of three NATS servers with JetStream.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use super::nats;
use crate::{Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe, program};

/// The servers: one of three may be lost.
const SERVERS: usize = 3;

/// Starts a cluster of NATS servers whose streams are files.
#[derive(Debug)]
pub struct NatsClusterService {
    program: PathBuf,
    servers: Vec<NatsClusterServer>,
}

#[derive(Debug)]
struct NatsClusterServer {
    port: u16,
    /// The port of the other servers.
    route: u16,
    monitor: u16,
}

impl NatsClusterService {
    /// Starts it and waits until every server has joined and serves JetStream.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        let server = |_| {
            Ok(NatsClusterServer {
                port: port::pick_free_port()?,
                route: port::pick_free_port()?,
                monitor: port::pick_free_port()?,
            })
        };
        Service::start(Self {
            program: program::NATS.require()?,
            servers: (0..SERVERS)
                .map(server)
                .collect::<Result<_, ServiceError>>()?,
        })
    }
}

impl ServiceDefinition for NatsClusterService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::Nats
    }

    /// Returns the URL of the first server, which names the others to clients.
    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.servers[0].port)
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let route = |server: &NatsClusterServer| format!("nats://127.0.0.1:{}", server.route);
        let routes: Vec<String> = self.servers.iter().map(route).collect();
        let command = |server: &NatsClusterServer| {
            let mut command = Command::new(&self.program);
            command
                .args(["--addr", "127.0.0.1", "--port", &server.port.to_string()])
                .args(["--http_port", &server.monitor.to_string()])
                .args(["--name", &format!("server-{}", server.port)])
                .args(["--cluster_name", "highwater", "--cluster", &route(server)])
                .args(["--routes", &routes.join(",")])
                .args(["--jetstream", "--store_dir"])
                .arg(directory.join(server.port.to_string()));
            command
        };
        Ok(self.servers.iter().map(command).collect())
    }

    fn is_ready(&self) -> bool {
        self.servers.iter().all(|server| {
            // `/healthz` fails until JetStream has a leader.
            nats::is_ready(server.port) && probe::http_get_succeeds(server.monitor, "/healthz")
        })
    }
}
