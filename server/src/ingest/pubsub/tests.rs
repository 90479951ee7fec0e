//! A consumer and a producer against the emulator.

use std::{collections::BTreeSet, time::Duration};

use highwater_services::{Service, ServiceKind};
use highwater_types::BrokerUrl;
use tokio::time::{Instant, timeout};

use super::{
    super::{
        Telemetry,
        queue::{
            GroupConsumer, MAX_UNACKED, PendingPublish, PublishOutcome, QueueError,
            TelemetryDelivery, TelemetryProducer,
        },
        registry::BrokerAddress,
    },
    consumer::PubSubConsumer,
    producer::PubSubProducer,
    resources::QueueTopic,
};
use crate::net::broker_servers::BrokerServers;

/// The emulator may keep a record of a member that has left until the client library's next message
/// on the stream of another, which comes every 30 s, after the deadline of 10 s.
const TEST_TIMEOUT: Duration = Duration::from_secs(90);

type Deliveries = Vec<TelemetryDelivery<u64>>;

/// Starts the emulator; `None` where it is absent.
fn emulator() -> Option<(Service, BrokerAddress)> {
    if let Some(reason) = ServiceKind::PubSub.missing_optional() {
        println!("skipped: {reason}");
        return None;
    }
    let service = ServiceKind::PubSub.start().unwrap();
    let address = BrokerAddress {
        servers: BrokerServers::new(BrokerUrl::parse(&service.url()).unwrap()),
        cluster: "test".parse().unwrap(),
    };
    Some((service, address))
}

async fn join(address: &BrokerAddress) -> Result<PubSubConsumer, QueueError> {
    PubSubConsumer::join(address, &"g".parse().unwrap(), "c").await
}

async fn publish(producer: &mut PubSubProducer, ids: std::ops::Range<u64>) {
    let record = |sequence: u64| {
        let telemetry = Telemetry {
            device: "home-1".parse().unwrap(),
            id: sequence.to_string().parse().unwrap(),
            body: "1".to_owned(),
        };
        PendingPublish {
            sequence,
            payload: telemetry.encode(),
        }
    };
    let mut results = Vec::new();
    let records = ids.clone().map(record).collect();
    producer.publish(records, &mut results).await.unwrap();
    let mut accepted: Vec<u64> = results.iter().map(|result| result.sequence).collect();
    accepted.sort_unstable();
    assert_eq!(accepted, ids.collect::<Vec<_>>());
    let is_accepted = |outcome| outcome == PublishOutcome::Accepted;
    assert!(results.iter().all(|result| is_accepted(result.outcome)));
}

/// Polls until there are `count` records.
async fn poll(member: &mut PubSubConsumer, count: usize) -> Deliveries {
    let mut deliveries = Vec::new();
    let polling = async {
        while deliveries.len() < count {
            deliveries.extend(member.poll().await.unwrap());
        }
    };
    timeout(TEST_TIMEOUT, polling).await.unwrap();
    deliveries
}

fn ids(deliveries: &Deliveries) -> BTreeSet<u64> {
    let id = |delivery: &TelemetryDelivery<u64>| {
        let id = &delivery.telemetry.as_ref().unwrap().id;
        id.to_string().parse().unwrap()
    };
    deliveries.iter().map(id).collect()
}

#[tokio::test]
async fn unacknowledged_records_go_to_the_next_member_and_are_marked() {
    let Some((_emulator, address)) = emulator() else {
        return;
    };
    let mut first = join(&address).await.unwrap();
    let mut producer = PubSubProducer::connect(&address).await.unwrap();
    publish(&mut producer, 0..4).await;
    let deliveries = poll(&mut first, 4).await;
    assert!(deliveries.iter().all(|delivery| !delivery.redelivered));
    // Out of order, and confirmed before the member ends.
    let handled: Vec<u64> = deliveries
        .iter()
        .rev()
        .step_by(2)
        .map(|one| one.receipt)
        .collect();
    first.acknowledge(&handled).await.unwrap();
    first.leave().await;

    let mut next = join(&address).await.unwrap();
    let again = poll(&mut next, 2).await;
    let kept = deliveries.iter().rev().skip(1).step_by(2).cloned();
    assert_eq!(ids(&again), ids(&kept.collect()));
    assert!(again.iter().all(|delivery| delivery.redelivered));
}

#[tokio::test]
async fn member_has_a_bounded_number_of_records_without_confirmation() {
    let Some((_emulator, address)) = emulator() else {
        return;
    };
    const COUNT: u64 = 200;
    let mut member = join(&address).await.unwrap();
    let mut producer = PubSubProducer::connect(&address).await.unwrap();
    publish(&mut producer, 0..COUNT).await;
    let mut seen = BTreeSet::new();
    let mut unacked = Vec::new();
    let deadline = Instant::now() + TEST_TIMEOUT;
    while seen.len() < COUNT as usize {
        assert!(Instant::now() < deadline, "{} records", seen.len());
        let deliveries = member.poll().await.unwrap();
        unacked.extend(deliveries.iter().map(|delivery| delivery.receipt));
        assert!(unacked.len() <= MAX_UNACKED);
        seen.extend(ids(&deliveries));
        if deliveries.is_empty() || unacked.len() == MAX_UNACKED {
            // The member has no room, so this poll finds none.
            if unacked.len() == MAX_UNACKED {
                assert!(member.poll().await.unwrap().is_empty());
            }
            member.acknowledge(&unacked).await.unwrap();
            unacked.clear();
        }
    }
}

#[tokio::test]
async fn subscription_without_the_settings_of_a_group_is_rejected() {
    let Some((_emulator, address)) = emulator() else {
        return;
    };
    let topic = QueueTopic::open(&address).await.unwrap();
    let creating = topic.clients.subscriptions.create_subscription();
    let creating = creating
        .set_name(topic.names.subscription("g"))
        .set_topic(topic.names.topic());
    creating.send().await.unwrap();
    let error = join(&address).await.err().unwrap();
    assert!(matches!(&error, QueueError::Rejected(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains("highwater.test.telemetry.g lacks")
    );
}

#[tokio::test]
async fn member_notices_that_the_service_does_not_answer() {
    let Some((mut emulator, address)) = emulator() else {
        return;
    };
    let mut member = join(&address).await.unwrap();
    assert!(member.poll().await.unwrap().is_empty());
    tokio::task::spawn_blocking(move || {
        emulator.kill();
        emulator
    })
    .await
    .unwrap();
    let failing = async { while member.poll().await.is_ok() {} };
    timeout(TEST_TIMEOUT, failing).await.expect("an error");
}
