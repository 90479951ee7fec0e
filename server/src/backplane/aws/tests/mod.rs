//! Tests of behaviour that only SNS and SQS have, against an emulator.

mod filter;
mod orphans;

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use highwater_services::ServiceKind;
use highwater_types::BrokerUrl;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    clients::AwsClients,
    names::{AwsNames, CLUSTER_TAG, INCARNATION_TAG, MEMBERSHIP_TABLE, NODE_TAG},
    stream::{RoutingRules, StreamFilterConfig, StreamTransport, run_stream_filter},
    transport::SnsTransport,
};
use crate::{
    backplane::remote::{
        Destination, Inbox, Transport, TransportError,
        conformance::{ConformanceTarget, TransportPeer, address, shared},
    },
    id::ClusterName,
};

type SnsPeer = TransportPeer<SnsTransport>;

impl ConformanceTarget for SnsTransport {
    const SERVICE: ServiceKind = ServiceKind::Ministack;
    /// The emulator keeps everything in memory.
    const KEEPS_FILES: bool = false;

    async fn delete_table(url: &str, cluster: &ClusterName) {
        let deleted = clients(url)
            .await
            .dynamodb
            .delete_item()
            .table_name(MEMBERSHIP_TABLE)
            .key("cluster", AttributeValue::S(cluster.to_string()))
            .send();
        deleted.await.unwrap();
    }
}

impl ConformanceTarget for StreamTransport {
    const SERVICE: ServiceKind = ServiceKind::MinistackStream;
    const KEEPS_FILES: bool = false;

    async fn delete_table(url: &str, cluster: &ClusterName) {
        SnsTransport::delete_table(url, cluster).await;
    }
}

/// Starts a filter of a cluster at this address. Beside a server with a certificate, it uses the
/// one that has none.
pub(in crate::backplane) fn spawn_filter_for(url: &str, cluster: &ClusterName) {
    match url.starts_with("dynamodb://") {
        true => drop(spawn_filter(url, cluster)),
        false => drop(spawn_filter(&shared::<StreamTransport>().url(), cluster)),
    }
}

/// Starts a filter of a cluster's stream, which publishes everything.
fn spawn_filter(url: &str, cluster: &ClusterName) -> JoinHandle<()> {
    let config = StreamFilterConfig {
        url: url.parse().unwrap(),
        cluster: cluster.clone(),
        rules: RoutingRules::default(),
        requests: Arc::default(),
    };
    tokio::spawn(async {
        let filtering = run_stream_filter(config, CancellationToken::new());
        filtering.await.unwrap();
    })
}

async fn clients(url: &str) -> AwsClients {
    let url = BrokerUrl::parse(url).unwrap();
    AwsClients::new(&url, Arc::default()).await.unwrap()
}

/// Returns the names of all queues at the service.
async fn queues(clients: &AwsClients) -> Vec<String> {
    let listed = clients.sqs.list_queues().send().await.unwrap();
    let urls = listed.queue_urls.unwrap_or_default().into_iter();
    urls.map(|url| url.rsplit('/').next().unwrap().to_owned())
        .collect()
}

/// Returns the ARNs of the queues that subscribe to any topic.
async fn subscribed_queues(clients: &AwsClients) -> Vec<String> {
    let mut pages = clients.sns.list_subscriptions().into_paginator().send();
    let mut queues = Vec::new();
    while let Some(page) = pages.next().await {
        let listed = page.unwrap().subscriptions.unwrap_or_default();
        queues.extend(listed.into_iter().filter_map(|found| found.endpoint));
    }
    queues
}

#[tokio::test]
async fn queue_has_the_tags_of_its_node() {
    let service = shared::<SnsTransport>();
    let address = address(&service.url());
    let peer = SnsPeer::connect(&address, "n.1").await;
    let clients = clients(&service.url()).await;
    let name = AwsNames::new(&address.cluster).unwrap().queue(&peer.inbox);
    let url = clients.sqs.get_queue_url().queue_name(name).send().await;
    let tags = clients
        .sqs
        .list_queue_tags()
        .queue_url(url.unwrap().queue_url.unwrap());
    let tags = tags.send().await.unwrap().tags.unwrap();
    for (tag, expected) in [
        (CLUSTER_TAG, address.cluster.as_str()),
        (NODE_TAG, "n.1"),
        (INCARNATION_TAG, "1"),
    ] {
        assert_eq!(tags.get(tag).map(String::as_str), Some(expected), "{tag}");
    }
}

#[tokio::test]
async fn removed_inbox_has_neither_queue_nor_subscription() {
    let service = shared::<SnsTransport>();
    let address = address(&service.url());
    let clients = clients(&service.url()).await;
    let peer = SnsPeer::connect(&address, "a").await;
    let other = SnsPeer::connect(&address, "b").await;
    let names = AwsNames::new(&address.cluster).unwrap();
    let [gone, kept] = [&peer, &other].map(|peer| names.queue(&peer.inbox));
    other.transport.remove_inbox(&peer.inbox).await.unwrap();
    let (queues, subscribed) = (queues(&clients).await, subscribed_queues(&clients).await);
    assert!(!queues.contains(&gone) && queues.contains(&kept));
    assert!(!subscribed.iter().any(|arn| arn.ends_with(&gone)));
    assert!(subscribed.iter().any(|arn| arn.ends_with(&kept)));
}

#[tokio::test]
async fn deleted_queue_ends_the_connection() {
    let service = shared::<SnsTransport>();
    let address = address(&service.url());
    let mut peer = SnsPeer::connect(&address, "n").await;
    let survivor = SnsPeer::connect(&address, "s").await;
    survivor.transport.remove_inbox(&peer.inbox).await.unwrap();
    let end = peer.wait_closed().await.to_string();
    assert!(end.contains("queue was deleted"), "{end}");
    assert!(peer.transport.load_table().await.is_err());
}

/// Another cluster whose name begins like this one's, and a queue of another program.
#[tokio::test]
async fn sweep_removes_nothing_of_others_and_nothing_that_is_young() {
    let service = shared::<SnsTransport>();
    let own = address(&service.url());
    let mut longer = own.clone();
    longer.cluster = format!("{}-2", own.cluster).parse().unwrap();
    let clients = clients(&service.url()).await;
    let peer = SnsPeer::connect(&own, "n").await;
    let other = SnsPeer::connect(&longer, "n").await;
    // As if a process of another owner had a name of this form.
    let foreign = AwsNames::new(&own.cluster).unwrap().queue(&Inbox {
        node: "foreign".parse().unwrap(),
        incarnation: 1,
        connection: 1,
    });
    let created = clients.sqs.create_queue().queue_name(&foreign);
    created.send().await.unwrap();
    let listed = peer.transport.list_inboxes().await.unwrap();
    let other_queue = AwsNames::new(&longer.cluster).unwrap().queue(&other.inbox);
    assert!(listed.contains(&foreign) && !listed.contains(&other_queue));
    let before = queues(&clients).await;
    // Nothing is known, but the own queue is young and the foreign one has no tag.
    let removed = peer.transport.remove_orphans(listed, &[]).await.unwrap();
    assert_eq!(removed, 0);
    let after = queues(&clients).await;
    assert!(before.iter().all(|queue| after.contains(queue)));
}

#[tokio::test]
async fn requests_are_counted_by_operation() {
    let service = shared::<SnsTransport>();
    let address = address(&service.url());
    let mut reader = SnsPeer::connect(&address, "r").await;
    let sender = SnsPeer::connect(&address, "s").await;
    for _ in 0..3 {
        sender.send(reader.destination(), "direct").await;
        reader.expect_next("direct").await;
    }
    sender.send(Destination::Everyone, "all").await;
    reader.expect_next("all").await;
    let counted = |peer: &SnsPeer, service: &str, operation: &str| {
        let key = (service.to_owned(), operation.to_owned());
        peer.traffic.requests.get().get(&key).copied()
    };
    assert_eq!(counted(&sender, "SQS", "SendMessageBatch"), Some(3));
    assert_eq!(counted(&sender, "SNS", "PublishBatch"), Some(1));
    assert_eq!(counted(&sender, "SQS", "CreateQueue"), Some(1));
    assert_eq!(counted(&reader, "SNS", "Delivery"), Some(1));
    assert_eq!(counted(&reader, "SNS", "PublishBatch"), Some(0));
    assert!(counted(&reader, "SQS", "ReceiveMessage") >= Some(2));
}

#[tokio::test]
async fn unknown_region_and_long_name_are_rejected_with_a_hint() {
    let service = shared::<SnsTransport>();
    let mut long = address(&service.url());
    long.cluster = "c".repeat(41).parse().unwrap();
    let error = SnsPeer::try_connect(&long, "n").await.err().unwrap();
    let is_expected =
        matches!(&error, TransportError::Unsuitable { hint, .. } if hint.contains("--cluster"));
    assert!(is_expected, "{error:?}");
}
