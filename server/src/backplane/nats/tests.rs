//! What is true of NATS alone.

use highwater_services::{NatsOptions, NatsService as Broker};

use crate::backplane::remote::{
    TransportError,
    conformance::{TransportPeer, address},
};

type NatsPeer = TransportPeer<super::NatsTransport>;

#[tokio::test]
async fn a_server_that_lacks_something_is_refused_with_what_to_do() {
    for (config, lacks, to_do) in [
        ("", "no JetStream", "-js"),
        ("max_payload: 4KB", "4096 bytes", "max_payload"),
        (
            "authorization { user: u, password: p }",
            "authorization",
            "USER:PASSWORD@",
        ),
    ] {
        let broker = Broker::start_with(NatsOptions {
            jetstream: false,
            config,
        });
        let broker = broker.unwrap();
        let address = address::<super::NatsTransport>(&broker.url());
        match NatsPeer::try_connect(&address, "n").await.map(drop) {
            Err(TransportError::Unsuitable { what, hint }) => {
                assert!(what.contains(lacks), "{what}");
                assert!(hint.contains(to_do), "{hint}");
            }
            other => panic!("{config}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn users_and_tokens_are_let_in() {
    for (config, credentials) in [
        ("authorization { user: \"u@x\", password: p }", "u%40x:p@"),
        ("authorization { token: secret }", "secret@"),
    ] {
        let broker = Broker::start_with(NatsOptions {
            jetstream: true,
            config,
        });
        let broker = broker.unwrap();
        let url = broker
            .url()
            .replace("nats://", &format!("nats://{credentials}"));
        let mut node = NatsPeer::connect(&address::<super::NatsTransport>(&url), "n").await;
        node.send(node.destination(), "in").await;
        node.expect_next("in").await;
    }
}
