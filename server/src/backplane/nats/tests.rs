//! Tests of behaviour that only NATS has.

use highwater_services::{NatsClusterService, NatsOptions, NatsService, ServiceKind};

use super::NatsTransport;
use crate::{
    backplane::remote::{
        TransportError,
        conformance::{
            ConformanceTarget, TestAuthority, TlsServer, TransportPeer, address, join_member,
            wait_until_joined,
        },
    },
    id::ClusterName,
};

type NatsPeer = TransportPeer<NatsTransport>;

impl ConformanceTarget for NatsTransport {
    const SERVICE: ServiceKind = ServiceKind::Nats;

    async fn delete_table(url: &str, cluster: &ClusterName) {
        let client = async_nats::connect(url).await.unwrap();
        let streams = async_nats::jetstream::new(client);
        let bucket = format!("highwater-{cluster}");
        streams.delete_key_value(bucket).await.unwrap();
    }

    /// The server asks for TLS in its greeting, so no proxy can add it.
    async fn start_tls(authority: &TestAuthority) -> TlsServer {
        let (certificate, key) = (authority.certificate(), authority.key());
        let config = format!("tls {{ cert_file: {certificate:?}, key_file: {key:?} }}");
        let server = NatsService::start_with(NatsOptions {
            jetstream: true,
            // Options are made at compile time elsewhere.
            config: config.leak(),
        });
        let server = server.unwrap();
        TlsServer {
            url: server.url().replace("nats://", "tls://"),
            _server: Box::new(server),
        }
    }
}

#[tokio::test]
async fn unsuitable_server_is_rejected_with_a_hint() {
    for (config, expected_what, expected_hint) in [
        ("", "no JetStream", "-js"),
        ("max_payload: 4KB", "4096 bytes", "max_payload"),
        (
            "authorization { user: u, password: p }",
            "authorization",
            "USER:PASSWORD@",
        ),
    ] {
        let broker = NatsService::start_with(NatsOptions {
            jetstream: false,
            config,
        });
        let broker = broker.unwrap();
        let address = address(&broker.url());
        let error = NatsPeer::try_connect(&address, "n").await.err().unwrap();
        let TransportError::Unsuitable { what, hint } = error else {
            panic!("{config}: {error:?}")
        };
        assert!(what.contains(expected_what), "{what}");
        assert!(hint.contains(expected_hint), "{hint}");
    }
}

#[tokio::test]
async fn valid_user_and_token_are_accepted() {
    for (config, credentials) in [
        ("authorization { user: \"u@x\", password: p }", "u%40x:p@"),
        ("authorization { token: secret }", "secret@"),
    ] {
        let broker = NatsService::start_with(NatsOptions {
            jetstream: true,
            config,
        });
        let broker = broker.unwrap();
        let url = broker
            .url()
            .replace("nats://", &format!("nats://{credentials}"));
        let mut node = NatsPeer::connect(&address(&url), "n").await;
        node.send(node.destination(), "in").await;
        node.expect_next("in").await;
    }
}

/// The URL names one server alone, which is killed. The table is on the other two as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loss_of_the_server_of_the_url_is_survived() {
    let mut servers = NatsClusterService::start().unwrap();
    let (url, cluster) = (servers.url(), address(&servers.url()).cluster);
    let [a, mut b] = ["a", "b"].map(|id| join_member(&url, &cluster, id));
    let version = wait_until_joined(&a, &mut b, 0).await;
    let first = servers.pid().unwrap();
    servers.kill_one(first);
    wait_until_joined(&a, &mut b, version).await;
}
