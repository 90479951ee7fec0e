//! RabbitMQ with STOMP over TCP and WebSocket, and its management and Prometheus plugins.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{
    Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe, program, stomp,
};

/// The header with which an AMQP 0-9-1 client begins (section 4.2.2).
const AMQP: &[u8] = b"AMQP\x00\x00\x09\x01";
/// Type of the frame with which a server answers: a method, on channel 0.
const METHOD: u8 = 1;

/// Starts a RabbitMQ server.
#[derive(Debug)]
pub struct RabbitMqService {
    program: PathBuf,
    control: PathBuf,
    epmd: PathBuf,
    amqp: u16,
    management: u16,
    prometheus: u16,
    /// The port of Erlang's distribution, without which the server does not start.
    distribution: u16,
    epmd_port: u16,
    stomp: StompPorts,
}

/// The ports of a server's STOMP plugins.
#[derive(Debug)]
pub(super) struct StompPorts {
    pub(super) tcp: u16,
    pub(super) web: u16,
}

impl RabbitMqService {
    /// Starts it and waits until it answers, which takes some ten seconds.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        Service::start(Self {
            stomp: StompPorts::pick()?,
            program: program::RABBITMQ.require()?,
            control: program::RABBITMQCTL.require()?,
            epmd: program::EPMD.require()?,
            amqp: port::pick_free_port()?,
            management: port::pick_free_port()?,
            prometheus: port::pick_free_port()?,
            distribution: port::pick_free_port()?,
            epmd_port: port::pick_free_port()?,
        })
    }

    /// Returns the command of one of its programs, which acts on this server alone.
    fn command(&self, program: &Path, directory: &Path) -> Command {
        command(program, directory, "highwater@localhost", self.epmd_port)
    }

    fn config(&self) -> String {
        let Self {
            amqp,
            management,
            prometheus,
            ..
        } = self;
        let stomp = self.stomp.config();
        format!(
            "listeners.tcp.default = 127.0.0.1:{amqp}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             prometheus.tcp.ip = 127.0.0.1\n\
             prometheus.tcp.port = {prometheus}\n\
             log.console = true\n\
             log.file = false\n\
             disk_free_limit.absolute = 50MB\n\
             {stomp}"
        )
    }
}

impl ServiceDefinition for RabbitMqService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::RabbitMq
    }

    fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.amqp)
    }

    fn monitor_url(&self) -> Option<String> {
        Some(format!("http://127.0.0.1:{}", self.prometheus))
    }

    fn admin_url(&self) -> Option<String> {
        Some(format!("http://guest:guest@127.0.0.1:{}", self.management))
    }

    fn stomp_url(&self) -> Option<String> {
        Some(format!("stomp://guest:guest@127.0.0.1:{}", self.stomp.tcp))
    }

    fn web_stomp_urls(&self) -> Vec<String> {
        vec![self.stomp.web_url()]
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        fs::write(directory.join("rabbitmq.conf"), self.config())?;
        fs::write(
            directory.join("enabled_plugins"),
            "[rabbitmq_management,rabbitmq_prometheus,rabbitmq_stomp,rabbitmq_web_stomp].\n",
        )
    }

    fn helper_commands(&self) -> Result<Vec<Command>, ServiceError> {
        Ok(vec![port_mapper(&self.epmd, self.epmd_port)])
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let command = self.command(&self.program, directory);
        Ok(vec![with_server_settings(
            command,
            directory,
            self.distribution,
        )])
    }

    fn control_command(&self, directory: &Path, arguments: &[&str]) -> Option<Command> {
        let mut command = self.command(&self.control, directory);
        command.args(arguments);
        Some(command)
    }

    fn is_ready(&self) -> bool {
        is_ready(self.amqp)
            && self.stomp.is_ready()
            && probe::http_get_succeeds(self.prometheus, "/metrics")
    }
}

impl StompPorts {
    pub(super) fn pick() -> Result<Self, ServiceError> {
        Ok(Self {
            tcp: port::pick_free_port()?,
            web: port::pick_free_port()?,
        })
    }

    /// Returns the lines of `rabbitmq.conf`.
    pub(super) fn config(&self) -> String {
        let Self { tcp, web } = self;
        format!(
            "stomp.listeners.tcp.1 = 127.0.0.1:{tcp}\n\
             web_stomp.tcp.ip = 127.0.0.1\n\
             web_stomp.tcp.port = {web}\n"
        )
    }

    pub(super) fn web_url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws", self.web)
    }

    /// Whether a login succeeds over TCP, and the other port answers HTTP. Any path except
    /// `/ws` is a 404 there.
    pub(super) fn is_ready(&self) -> bool {
        stomp::is_ready(self.tcp)
            && probe::answers_with(self.web, b"GET / HTTP/1.0\r\n\r\n", |answer| {
                answer.starts_with(b"HTTP/1.")
            })
    }
}

/// Returns the command of a program that acts on one server alone. `home` is the directory of
/// all servers of a cluster.
pub(super) fn command(program: &Path, home: &Path, server: &str, epmd_port: u16) -> Command {
    let mut command = Command::new(program);
    command
        // Erlang keeps its cookie there, with which a control program or a server gets in.
        .env("HOME", home)
        .env("RABBITMQ_NODENAME", server)
        // The settings of a RabbitMQ that is installed on this machine must not apply.
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", epmd_port.to_string());
    command
}

/// Adds what a server needs besides. `files` is the directory of its configuration and data.
pub(super) fn with_server_settings(
    mut command: Command,
    files: &Path,
    distribution: u16,
) -> Command {
    command
        .env("RABBITMQ_CONFIG_FILE", files.join("rabbitmq.conf"))
        .env(
            "RABBITMQ_ENABLED_PLUGINS_FILE",
            files.join("enabled_plugins"),
        )
        .env("RABBITMQ_MNESIA_BASE", files.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", files.join("log"))
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("RABBITMQ_PID_FILE", files.join("pid"))
        // With input allowed, the script becomes the server instead of waiting for it,
        // so that a signal to the child reaches the server.
        .env("RABBITMQ_ALLOW_INPUT", "true")
        .env(
            // Two schedulers that sleep instead of spinning: several tests share the machine.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-noinput -kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none",
        );
    command
}

/// Returns the command of the port mapper. A server would otherwise start one that outlives it.
pub(super) fn port_mapper(epmd: &Path, port: u16) -> Command {
    let mut command = Command::new(epmd);
    command
        .args(["-address", "127.0.0.1"])
        .args(["-port", &port.to_string()]);
    command
}

/// Whether the server at this port offers an AMQP connection.
pub(crate) fn is_ready(port: u16) -> bool {
    probe::answers_with(port, AMQP, |answer| answer.first() == Some(&METHOD))
}
