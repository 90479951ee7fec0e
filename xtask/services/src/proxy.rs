//! A proxy in front of a node, with a page about its own status.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{Program, Service, ServiceError, ServiceKind, definition::ServiceDefinition, probe};

/// The ports that the configuration of a proxy names.
#[derive(Debug)]
pub(crate) struct ProxyPorts {
    pub(crate) listen: u16,
    pub(crate) status: u16,
    pub(crate) node: u16,
}

/// The differences between one proxy and another.
#[derive(Debug)]
pub(crate) struct ProxyKind {
    pub(crate) kind: ServiceKind,
    pub(crate) program: Program,
    /// Returns the content of the configuration file.
    pub(crate) configuration: fn(&ProxyPorts, &Path) -> String,
    /// Adds the arguments before the path of that file.
    pub(crate) arguments: fn(&mut Command, &Path),
}

#[derive(Debug)]
struct Proxy {
    kind: ProxyKind,
    program: PathBuf,
    ports: ProxyPorts,
}

/// Starts a proxy of the node at port `node`. The node may start later.
pub(crate) fn start(kind: ProxyKind, node: u16) -> Result<Service, ServiceError> {
    Service::start(Proxy {
        program: kind.program.require()?,
        kind,
        ports: ProxyPorts {
            listen: port::pick_free_port()?,
            status: port::pick_free_port()?,
            node,
        },
    })
}

impl ServiceDefinition for Proxy {
    fn kind(&self) -> ServiceKind {
        self.kind.kind
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.listen)
    }

    fn monitor_url(&self) -> Option<String> {
        Some(format!("http://127.0.0.1:{}", self.ports.status))
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        let configuration = (self.kind.configuration)(&self.ports, directory);
        fs::write(directory.join("proxy.conf"), configuration)
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let mut command = Command::new(&self.program);
        (self.kind.arguments)(&mut command, directory);
        command.arg(directory.join("proxy.conf"));
        Ok(vec![command])
    }

    fn is_ready(&self) -> bool {
        is_ready(self.ports.listen)
    }
}

/// Whether the proxy at this port speaks HTTP.
pub(crate) fn is_ready(port: u16) -> bool {
    let request = b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";
    // Any status: without a node the proxy answers for itself, with 502 or 503.
    probe::answers_with(port, request, |answer| answer.starts_with(b"HTTP/1."))
}
