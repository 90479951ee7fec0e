//! A member against the mock broker of the client library, which injects faults.

use std::time::{Duration, Instant};

use rdkafka::{
    mocking::MockCluster,
    producer::{BaseProducer, BaseRecord, Producer},
    types::{RDKafkaApiKey, RDKafkaRespErr},
};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{
    super::{
        Telemetry,
        queue::{QueueError, TelemetryDelivery},
    },
    assignment::KafkaReceipt,
    member::{GroupAddress, Member},
    settings::client_config,
};
use highwater_types::BrokerUrl;

const TOPIC: &str = "highwater.test.telemetry";
/// The mock cluster has one broker, whose coordinator waits three seconds for members.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

type Deliveries = Vec<TelemetryDelivery<KafkaReceipt>>;

/// A mock broker with the topic, and a client that writes records to it.
struct MockBroker {
    cluster: MockCluster<'static, rdkafka::producer::DefaultProducerContext>,
    producer: BaseProducer,
}

impl MockBroker {
    fn start(partitions: i32) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(TOPIC, partitions, 1).unwrap();
        let url = BrokerUrl::parse(&format!("kafka://{}", cluster.bootstrap_servers())).unwrap();
        let producer = client_config(&url, "test").create().unwrap();
        Self { cluster, producer }
    }

    fn address(&self, name: &str) -> GroupAddress {
        let url = format!("kafka://{}", self.cluster.bootstrap_servers());
        GroupAddress {
            url: BrokerUrl::parse(&url).unwrap(),
            topic: TOPIC.to_owned(),
            group: format!("{TOPIC}.g"),
            name: name.to_owned(),
        }
    }

    fn publish(&self, partition: i32, ids: std::ops::Range<u32>) {
        for id in ids {
            let telemetry = Telemetry {
                device: "home-1".parse().unwrap(),
                id: format!("{partition}-{id}").parse().unwrap(),
                body: "1".to_owned(),
            };
            let payload = telemetry.encode();
            let record = BaseRecord::<(), [u8]>::to(TOPIC).partition(partition);
            self.producer
                .send(record.payload(&payload))
                .map_err(|(error, _)| error)
                .unwrap();
        }
        self.producer.flush(TEST_TIMEOUT).unwrap();
    }
}

/// Polls until there are records.
fn poll(member: &mut Member) -> Result<Deliveries, QueueError> {
    let deadline = Instant::now() + TEST_TIMEOUT;
    loop {
        let deliveries = member.poll()?;
        if !deliveries.is_empty() {
            return Ok(deliveries);
        }
        assert!(Instant::now() < deadline, "no records");
    }
}

fn ids(deliveries: &Deliveries) -> Vec<String> {
    let id = |delivery: &TelemetryDelivery<KafkaReceipt>| {
        delivery.telemetry.as_ref().unwrap().id.to_string()
    };
    deliveries.iter().map(id).collect()
}

/// Runs a blocking test, with the runtime that members use.
async fn blocking(test: impl FnOnce(&Handle) + Send + 'static) {
    let runtime = Handle::current();
    spawn_blocking(move || test(&runtime)).await.unwrap();
}

#[tokio::test]
async fn unhandled_records_go_to_the_next_member_and_are_marked() {
    blocking(|runtime| {
        let broker = MockBroker::start(1);
        let mut first = Member::join(runtime, &broker.address("first")).unwrap();
        broker.publish(0, 0..4);
        let mut deliveries = Vec::new();
        while deliveries.len() < 4 {
            deliveries.extend(poll(&mut first).unwrap());
        }
        assert!(deliveries.iter().all(|delivery| !delivery.redelivered));
        // Out of order: the record with offset 1 is not handled.
        let handled = [deliveries[2].receipt, deliveries[0].receipt];
        first.acknowledge(&handled).unwrap();
        drop(first);

        let mut next = Member::join(runtime, &broker.address("next")).unwrap();
        broker.publish(0, 4..5);
        let mut again = Vec::new();
        while again.len() < 4 {
            let deliveries = poll(&mut next).unwrap();
            let receipts: Vec<_> = deliveries.iter().map(|one| one.receipt).collect();
            again.extend(deliveries);
            next.acknowledge(&receipts).unwrap();
        }
        assert_eq!(ids(&again), ["0-1", "0-2", "0-3", "0-4"]);
        let marked: Vec<bool> = again.iter().map(|delivery| delivery.redelivered).collect();
        assert_eq!(marked, [true, true, true, false]);
        next.leave();
    })
    .await;
}

#[tokio::test]
async fn records_are_not_handed_out_without_a_commit() {
    blocking(|runtime| {
        let broker = MockBroker::start(1);
        let mut member = Member::join(runtime, &broker.address("c1")).unwrap();
        broker.publish(0, 0..1);
        let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
        broker
            .cluster
            .request_errors(RDKafkaApiKey::OffsetCommit, &[refused; 8]);
        let error = poll(&mut member).unwrap_err();
        assert!(matches!(&error, QueueError::Disconnected(_)), "{error}");
        drop(member);
        broker
            .cluster
            .clear_request_errors(RDKafkaApiKey::OffsetCommit);

        let mut next = Member::join(runtime, &broker.address("c2")).unwrap();
        let deliveries = poll(&mut next).unwrap();
        assert_eq!(ids(&deliveries), ["0-0"]);
        assert!(
            !deliveries[0].redelivered,
            "the first member did not hand it out"
        );
    })
    .await;
}

#[tokio::test]
async fn member_notices_that_no_broker_can_be_reached() {
    blocking(|runtime| {
        let broker = MockBroker::start(1);
        let mut member = Member::join(runtime, &broker.address("c1")).unwrap();
        broker.cluster.broker_down(1).unwrap();
        let deadline = Instant::now() + TEST_TIMEOUT;
        let error = loop {
            match member.poll() {
                Ok(deliveries) => assert!(deliveries.is_empty()),
                Err(error) => break error,
            }
            assert!(Instant::now() < deadline, "no error");
        };
        assert!(matches!(&error, QueueError::Disconnected(_)), "{error}");
        broker.cluster.broker_up(1).unwrap();
        drop(member);
        let mut next = Member::join(runtime, &broker.address("c1")).unwrap();
        broker.publish(0, 0..1);
        assert_eq!(ids(&poll(&mut next).unwrap()), ["0-0"]);
    })
    .await;
}

#[tokio::test]
async fn records_whose_commit_a_rebalance_refuses_come_again() {
    blocking(|runtime| {
        let broker = MockBroker::start(1);
        let mut member = Member::join(runtime, &broker.address("c1")).unwrap();
        broker.publish(0, 0..1);
        let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
        broker
            .cluster
            .request_errors(RDKafkaApiKey::OffsetCommit, &[refused]);
        // The member joins again without an error, and then gets the record.
        let deliveries = poll(&mut member).unwrap();
        assert_eq!(ids(&deliveries), ["0-0"]);
        assert!(!deliveries[0].redelivered, "it was not handed out before");
        member.leave();
    })
    .await;
}
