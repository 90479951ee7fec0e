//! The configuration file of nginx.

use std::{net::SocketAddr, path::Path};

use highwater_scenarios::plan::BalancerPolicy;
use serde::Serialize;

use super::super::{super::TestbedError, backends::BalancerBackend, template::render};

const TEMPLATE: &str = include_str!("../../../../../deploy/nginx.conf.j2");

/// A configuration that was written.
#[derive(Debug, Clone)]
pub(super) struct NginxConfig {
    /// The address for clients.
    pub(super) listen: SocketAddr,
    /// The address of the status pages.
    pub(super) admin: SocketAddr,
    /// The number of the configuration, which nginx serves at `/generation`.
    pub(super) generation: u32,
    /// The configuration in full.
    pub(super) text: String,
}

/// The values of the template.
#[derive(Serialize)]
pub(super) struct NginxTemplate<'v> {
    pub(super) is_root: bool,
    pub(super) folder: &'v Path,
    /// Connections to clients and nodes, each of which is a file.
    pub(super) files: u64,
    /// The directive of the policy; `None` for nginx's default, round-robin.
    pub(super) method: Option<&'static str>,
    pub(super) servers: &'v [BalancerBackend],
    pub(super) listen: String,
    pub(super) admin: String,
    /// Certificate and key in one file.
    pub(super) tls: Option<&'v Path>,
    pub(super) generation: u32,
}

impl NginxTemplate<'_> {
    /// Returns the configuration.
    pub(super) fn render(&self) -> Result<String, TestbedError> {
        render(TEMPLATE, self)
    }
}

/// Returns nginx's directive for a policy; `None` for the default.
pub(super) fn balancing_directive(policy: BalancerPolicy) -> Option<&'static str> {
    match policy {
        BalancerPolicy::RoundRobin => None,
        BalancerPolicy::LeastConn => Some("least_conn"),
        BalancerPolicy::P2c => Some("random two least_conn"),
        BalancerPolicy::Random => Some("random"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use expect_test::expect;
    use nix::unistd::geteuid;

    use super::{super::super::backends::tests::two_backends, *};

    fn values<'v>(
        folder: &'v Path,
        policy: BalancerPolicy,
        servers: &'v [BalancerBackend],
    ) -> NginxTemplate<'v> {
        NginxTemplate {
            is_root: geteuid().is_root(),
            folder,
            files: 1_000,
            method: balancing_directive(policy),
            servers,
            listen: "127.0.0.1:8080".to_owned(),
            admin: "127.0.0.1:8089".to_owned(),
            tls: None,
            generation: 7,
        }
    }

    /// A configuration that nginx accepts when its files are in `folder`.
    pub(in super::super) fn render(folder: &Path, policy: BalancerPolicy) -> String {
        values(folder, policy, &two_backends()).render().unwrap()
    }

    /// The lines of the `upstream` block, without their indentation.
    fn upstream(policy: BalancerPolicy) -> String {
        let servers = two_backends();
        let values = NginxTemplate {
            is_root: true,
            tls: Some(Path::new("/run/tls.pem")),
            ..values(Path::new("/run/b1"), policy, &servers)
        };
        let text = values.render().unwrap();
        for line in [
            "user root;",
            "worker_connections 1000;",
            "listen 127.0.0.1:8080 ssl backlog=4096;",
            "ssl_certificate_key /run/tls.pem;",
            "return 200 \"7\";",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let (_, upstream) = text.split_once("upstream nodes {\n").unwrap();
        let (upstream, _) = upstream.split_once("        # For commands").unwrap();
        let lines = upstream.lines().map(str::trim_start);
        lines.map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn configuration_names_the_nodes_and_the_policy() {
        expect![[r#"
            zone nodes 256k;
            random two least_conn;
            server 127.0.0.1:8081 max_fails=1 fail_timeout=10s; # n1
            server 127.0.0.1:8082 max_fails=1 fail_timeout=10s down; # n2
        "#]]
        .assert_eq(&upstream(BalancerPolicy::P2c));
        assert!(!upstream(BalancerPolicy::RoundRobin).contains("random"));
        assert!(upstream(BalancerPolicy::LeastConn).contains("\nleast_conn;\n"));
    }
}
