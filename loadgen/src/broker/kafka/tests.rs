//! The driver against a real broker of the protocol.

use highwater_reports::record::names::gauge;
use highwater_scenarios::plan::BrokerSpec;
use highwater_services::{KafkaService, Service};
use highwater_types::BrokerUrl;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer},
    producer::{FutureProducer, FutureRecord},
};

use super::{client, *};

fn config(service: &Service) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set(
        "bootstrap.servers",
        service.url().trim_start_matches("kafka://"),
    );
    config
}

async fn create_topic(service: &Service, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = config(service).create().unwrap();
    let new = NewTopic::new(topic, 2, TopicReplication::Fixed(1));
    let created = admin.create_topics([&new], &AdminOptions::new()).await;
    assert!(created.unwrap()[0].is_ok());
}

/// Writes `count` records, and commits `handled` of those in partition 0 for a group.
async fn write(service: &Service, topic: &str, count: usize, handled: i64) {
    let producer: FutureProducer = config(service).create().unwrap();
    for number in 0..count {
        let record = FutureRecord::<(), str>::to(topic).payload("1");
        let sent = producer.send(record.partition(number as i32 % 2), None);
        sent.await.map_err(|(error, _)| error).unwrap();
    }
    let mut group = config(service);
    let consumer: BaseConsumer = group
        .set("group.id", format!("{topic}.run"))
        .create()
        .unwrap();
    let mut offsets = TopicPartitionList::new();
    for (partition, offset) in [(0, handled), (1, 0)] {
        let offset = Offset::Offset(offset);
        offsets
            .add_partition_offset(topic, partition, offset)
            .unwrap();
    }
    consumer.commit(&offsets, CommitMode::Sync).unwrap();
}

#[tokio::test]
async fn gauges_count_records_and_cleanup_leaves_other_clusters_alone() {
    let service = KafkaService::start().expect("a broker");
    let url = BrokerUrl::parse(&service.url()).unwrap();
    Kafka.check_connection(&url).await.expect("a broker");
    for cluster in ["run-1", "run-2"] {
        let topic = client::topic_name(cluster);
        create_topic(&service, &topic).await;
        write(&service, &topic, 10, 3).await;
    }
    let broker = BrokerSpec {
        url: url.clone(),
        monitor: None,
        pid: None,
        ca: None,
    };
    let source = Kafka.gauge_source(&broker, "run-1").expect("a source");
    let gauges = source.read(&reqwest::Client::new()).await.expect("gauges");
    for (name, value) in [
        (gauge::BROKER_MESSAGES_IN, 10.0),
        (gauge::BROKER_MESSAGES_OUT, 3.0),
        (gauge::BROKER_BACKLOG, 7.0),
        (gauge::BROKER_CHANNELS, 1.0),
    ] {
        assert_eq!(gauges.get(name), Some(&value), "{name}");
    }
    assert_eq!(
        gauges.get(gauge::BROKER_CLIENTS),
        None,
        "the protocol does not tell"
    );

    let leftovers = Kafka.cleanup(&url, "run-1").await.expect("a cleanup");
    assert_eq!(leftovers, [""; 0]);
    let left = client::call(&url, |client| {
        let topics = client.topics()?.into_iter().map(|(name, _)| name);
        let topics = topics
            .filter(|name| name.starts_with("highwater."))
            .collect::<Vec<_>>();
        let of = |topic| {
            client
                .groups(&client::topic_name(topic))
                .map(|groups| groups.len())
        };
        Ok((topics, of("run-1")?, of("run-2")?))
    });
    let (topics, first, second) = left.await.unwrap();
    assert_eq!(topics, [client::topic_name("run-2")]);
    assert_eq!((first, second), (0, 1));
    // Once more, when there is nothing left.
    let again = Kafka.cleanup(&url, "run-1").await.expect("a cleanup");
    assert_eq!(again, [""; 0]);
}
