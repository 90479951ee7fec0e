//! A cluster of three RabbitMQ servers with STOMP over TCP and WebSocket.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use super::rabbitmq::{self, StompPorts};
use crate::{Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe, program};

/// The servers of the cluster.
const SERVERS: usize = 3;

/// Starts a cluster of RabbitMQ servers, whose names are resolved on this machine alone.
#[derive(Debug)]
pub struct RabbitMqClusterService {
    program: PathBuf,
    control: PathBuf,
    epmd: PathBuf,
    epmd_port: u16,
    servers: Vec<RabbitMqClusterServer>,
}

#[derive(Debug)]
struct RabbitMqClusterServer {
    /// The name among the servers, `NAME@localhost`.
    name: String,
    amqp: u16,
    prometheus: u16,
    stomp: StompPorts,
    /// The port of the other servers.
    distribution: u16,
}

impl RabbitMqClusterService {
    /// Starts it and waits until all servers have joined, which takes some twenty seconds.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        let server = |number| {
            Ok(RabbitMqClusterServer {
                name: format!("highwater-{number}@localhost"),
                amqp: port::pick_free_port()?,
                prometheus: port::pick_free_port()?,
                stomp: StompPorts::pick()?,
                distribution: port::pick_free_port()?,
            })
        };
        Service::start(Self {
            program: program::RABBITMQ.require()?,
            control: program::RABBITMQCTL.require()?,
            epmd: program::EPMD.require()?,
            epmd_port: port::pick_free_port()?,
            servers: (1..=SERVERS)
                .map(server)
                .collect::<Result<_, ServiceError>>()?,
        })
    }

    fn config(&self, server: &RabbitMqClusterServer) -> String {
        let numbered = self.servers.iter().zip(1..);
        let members: String = numbered
            .map(|(RabbitMqClusterServer { name, .. }, number)| {
                format!("cluster_formation.classic_config.nodes.{number} = {name}\n")
            })
            .collect();
        let (amqp, prometheus) = (server.amqp, server.prometheus);
        let stomp = server.stomp.config();
        format!(
            "listeners.tcp.default = 127.0.0.1:{amqp}\n\
             prometheus.tcp.ip = 127.0.0.1\n\
             prometheus.tcp.port = {prometheus}\n\
             log.console = true\n\
             log.file = false\n\
             disk_free_limit.absolute = 50MB\n\
             cluster_formation.peer_discovery_backend = classic_config\n\
             {stomp}\
             {members}"
        )
    }
}

impl RabbitMqClusterServer {
    /// Returns the directory of its configuration and data.
    fn files(&self, directory: &Path) -> PathBuf {
        directory.join(&self.name)
    }
}

impl ServiceDefinition for RabbitMqClusterService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::RabbitMqCluster
    }

    /// Returns the URL of all servers.
    fn url(&self) -> String {
        let servers = self.servers.iter();
        let addresses: Vec<String> = servers
            .map(|server| format!("127.0.0.1:{}", server.amqp))
            .collect();
        format!("amqp://guest:guest@{}/%2f", addresses.join(","))
    }

    /// Returns the URL of the first server's metrics.
    fn monitor_url(&self) -> Option<String> {
        let first = self.servers.first()?;
        Some(format!("http://127.0.0.1:{}", first.prometheus))
    }

    fn stomp_url(&self) -> Option<String> {
        let servers = self.servers.iter();
        let addresses: Vec<String> = servers
            .map(|server| format!("127.0.0.1:{}", server.stomp.tcp))
            .collect();
        Some(format!("stomp://guest:guest@{}", addresses.join(",")))
    }

    fn web_stomp_urls(&self) -> Vec<String> {
        let servers = self.servers.iter();
        servers.map(|server| server.stomp.web_url()).collect()
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        for server in &self.servers {
            let files = server.files(directory);
            fs::create_dir_all(&files)?;
            fs::write(files.join("rabbitmq.conf"), self.config(server))?;
            fs::write(
                files.join("enabled_plugins"),
                "[rabbitmq_prometheus,rabbitmq_stomp,rabbitmq_web_stomp].\n",
            )?;
        }
        Ok(())
    }

    fn helper_commands(&self) -> Result<Vec<Command>, ServiceError> {
        Ok(vec![rabbitmq::port_mapper(&self.epmd, self.epmd_port)])
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let command = |server: &RabbitMqClusterServer| {
            let command = rabbitmq::command(&self.program, directory, &server.name, self.epmd_port);
            rabbitmq::with_server_settings(command, &server.files(directory), server.distribution)
        };
        Ok(self.servers.iter().map(command).collect())
    }

    /// Returns a command that acts on the cluster by its first server.
    fn control_command(&self, directory: &Path, arguments: &[&str]) -> Option<Command> {
        let first = self.servers.first()?;
        let mut command = rabbitmq::command(&self.control, directory, &first.name, self.epmd_port);
        command.args(arguments);
        Some(command)
    }

    /// A server offers connections once it has joined.
    fn is_ready(&self) -> bool {
        let mut servers = self.servers.iter();
        servers.all(|server| {
            rabbitmq::is_ready(server.amqp)
                && server.stomp.is_ready()
                && probe::http_get_succeeds(server.prometheus, "/metrics")
        })
    }
}
