//! HAProxy in front of a node.

use std::path::Path;

use crate::{
    Service, ServiceError, ServiceKind, program,
    proxy::{self, ProxyKind, ProxyPorts},
};

/// Starts an HAProxy that forwards WebSockets and HTTP.
#[derive(Debug)]
pub struct HaproxyService;

impl HaproxyService {
    /// Starts it in front of a node at this port of loopback, which need not be there
    /// yet, and waits until it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start(node: u16) -> Result<Service, ServiceError> {
        let haproxy = ProxyKind {
            kind: ServiceKind::Haproxy,
            program: program::HAPROXY,
            configuration,
            arguments: |command, _| {
                // One process in the foreground, so that a kill ends all of it.
                command.args(["-db", "-f"]);
            },
        };
        proxy::start(haproxy, node)
    }
}

fn configuration(ports: &ProxyPorts, _directory: &Path) -> String {
    let ProxyPorts {
        listen,
        status,
        node,
    } = ports;
    format!(
        r#"global
    maxconn 2000

defaults
    mode http
    # The error of a node that is down reaches the client at once.
    retries 0
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h

frontend clients
    bind 127.0.0.1:{listen}
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
