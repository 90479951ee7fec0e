//! HAProxy in front of a node.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{Service, ServiceError, definition::ServiceDefinition, program, proxy};

/// The name on the command line of xtask.
pub(crate) const NAME: &str = "haproxy";

/// Starts an HAProxy that forwards WebSockets and HTTP.
#[derive(Debug)]
pub struct HaproxyService {
    program: PathBuf,
    port: u16,
    status: u16,
    node: u16,
}

const CONFIG: &str = "haproxy.cfg";

impl HaproxyService {
    /// Starts it in front of a node at this port of loopback, which need not be there
    /// yet, and waits until it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start(node: u16) -> Result<Service, ServiceError> {
        Service::start(Self {
            program: program::HAPROXY.require()?,
            port: port::pick_free_port()?,
            status: port::pick_free_port()?,
            node,
        })
    }
}

impl ServiceDefinition for HaproxyService {
    fn name(&self) -> &'static str {
        NAME
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn monitor_url(&self) -> Option<String> {
        Some(format!("http://127.0.0.1:{}", self.status))
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        fs::write(directory.join(CONFIG), self.configuration())
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let mut command = Command::new(&self.program);
        // One process in the foreground, so that it is gone when it is killed.
        command.arg("-db").arg("-f").arg(directory.join(CONFIG));
        Ok(vec![command])
    }

    fn is_ready(&self) -> bool {
        proxy::is_ready(self.port)
    }
}

impl HaproxyService {
    fn configuration(&self) -> String {
        let (port, status, node) = (self.port, self.status, self.node);
        format!(
            r#"global
    maxconn 2000

defaults
    mode http
    # A node that is not there is told of at once.
    retries 0
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h

frontend clients
    bind 127.0.0.1:{port}
    default_backend nodes

backend nodes
    server n1 127.0.0.1:{node}

frontend status
    bind 127.0.0.1:{status}
    stats enable
    stats uri /
"#
        )
    }
}
