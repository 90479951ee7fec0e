//! The configuration file of HAProxy, and the commands that change it at run time.

use std::path::Path;

use highwater_scenarios::plan::BalancerPolicy;
use serde::Serialize;

use super::super::{
    super::TestbedError,
    backends::{BackendChange, BalancerBackend},
    template::render,
};

const TEMPLATE: &str = include_str!("../../../../../deploy/haproxy.cfg.j2");

/// The name of the backend whose servers are the nodes.
pub(super) const BACKEND: &str = "nodes";

/// The health check of a node: every second; two failures mark it as down, one success as up.
/// A server that a command adds does not inherit the `default-server` line of the configuration.
/// The command therefore repeats the check.
pub(super) const HEALTH_CHECK: &str = "check inter 1s fall 2 rise 1";

/// The values of the template. The template uses the field names.
#[derive(Serialize)]
pub(super) struct HaproxyTemplate<'v> {
    /// The most connections at once.
    pub(super) connections: u64,
    /// The directory of the stats socket, over which commands are sent.
    pub(super) folder: &'v Path,
    /// The address at which clients connect.
    pub(super) listen: String,
    /// The file with the certificate and the key; `None` for plain HTTP.
    pub(super) tls: Option<&'v Path>,
    /// [`BACKEND`].
    pub(super) backend: &'static str,
    /// The result of [`balance_algorithm`].
    pub(super) method: &'static str,
    /// [`HEALTH_CHECK`].
    pub(super) check: &'static str,
    /// The nodes.
    pub(super) servers: &'v [BalancerBackend],
}

impl HaproxyTemplate<'_> {
    /// Returns the configuration.
    pub(super) fn render(&self) -> Result<String, TestbedError> {
        render(TEMPLATE, self)
    }
}

/// Returns the commands that apply a change to the running HAProxy process.
pub(super) fn commands(change: &BackendChange) -> Vec<String> {
    match change {
        BackendChange::Added(server) => {
            let (id, address) = (&server.id, &server.address);
            // `add server` leaves the server in maintenance mode, without health checks.
            vec![
                format!("add server {BACKEND}/{id} {address} {HEALTH_CHECK}"),
                format!("enable health {BACKEND}/{id}"),
                format!("enable server {BACKEND}/{id}"),
            ]
        }
        BackendChange::Draining(server) => {
            vec![format!("set server {BACKEND}/{} state drain", server.id)]
        }
        BackendChange::Restored(server) => {
            vec![format!("set server {BACKEND}/{} state ready", server.id)]
        }
    }
}

/// Returns HAProxy's name of a policy. With `random(N)`, HAProxy draws N servers and takes the
/// one with the fewest sockets.
pub(super) fn balance_algorithm(policy: BalancerPolicy) -> &'static str {
    match policy {
        BalancerPolicy::RoundRobin => "roundrobin",
        BalancerPolicy::LeastConn => "leastconn",
        BalancerPolicy::P2c => "random(2)",
        BalancerPolicy::Random => "random(1)",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use expect_test::expect;

    use super::{
        super::super::backends::tests::{backend, two_backends},
        *,
    };

    fn values<'v>(
        folder: &'v Path,
        policy: BalancerPolicy,
        servers: &'v [BalancerBackend],
    ) -> HaproxyTemplate<'v> {
        HaproxyTemplate {
            connections: 100,
            folder,
            listen: "127.0.0.1:8080".to_owned(),
            tls: None,
            backend: BACKEND,
            method: balance_algorithm(policy),
            check: HEALTH_CHECK,
            servers,
        }
    }

    /// A configuration that HAProxy accepts when its files are in `folder`.
    pub(in super::super) fn render(folder: &Path, policy: BalancerPolicy) -> String {
        values(folder, policy, &two_backends()).render().unwrap()
    }

    #[test]
    fn configuration_names_the_nodes_and_the_policy() {
        let servers = two_backends();
        let values = values(Path::new("/run/b1"), BalancerPolicy::LeastConn, &servers);
        let text = values.render().unwrap();
        assert!(text.contains("    bind 127.0.0.1:8080\n"), "{text}");
        assert!(text.contains("    maxconn 100\n"), "{text}");
        let (_, backend) = text.split_once("backend nodes\n").unwrap();
        expect![[r#"
            backend nodes
                balance leastconn
                option httpchk
                http-check send meth GET uri /readyz
                http-check expect status 200
                default-server check inter 1s fall 2 rise 1
                server n1 127.0.0.1:8081
                server n2 127.0.0.1:8082 disabled
        "#]]
        .assert_eq(backend.trim_start());
        let with_tls = HaproxyTemplate {
            tls: Some(Path::new("/run/tls.pem")),
            ..values
        };
        let text = with_tls.render().unwrap();
        assert!(text.contains("bind 127.0.0.1:8080 ssl crt /run/tls.pem alpn http/1.1\n"));
    }

    #[test]
    fn change_is_turned_into_commands() {
        let commands = [
            BackendChange::Added(backend("n3", 8083, false)),
            BackendChange::Draining(backend("n3", 8083, true)),
            BackendChange::Restored(backend("n3", 8083, false)),
        ]
        .iter()
        .flat_map(commands)
        .collect::<Vec<_>>()
        .join("\n");
        expect![[r#"
            add server nodes/n3 127.0.0.1:8083 check inter 1s fall 2 rise 1
            enable health nodes/n3
            enable server nodes/n3
            set server nodes/n3 state drain
            set server nodes/n3 state ready"#]]
        .assert_eq(&commands);
    }
}
