//! The gauges of the queue: records written, handled and waiting. The protocol tells nothing of
//! connections, bytes or memory.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::{BoxFuture, FutureExt};
use highwater_reports::record::names::gauge;
use highwater_types::BrokerUrl;
use parking_lot::Mutex;
use rdkafka::{Offset, TopicPartitionList, consumer::BaseConsumer};
use reqwest::Client as HttpClient;
use tokio::{task::spawn_blocking, time::timeout};

use super::client::{KafkaClient, committed, in_words};
use crate::sampling::{GaugeSource, Gauges};

/// The longest time for one sample. It lies below the second between two samples.
const SAMPLE_TIMEOUT: Duration = Duration::from_millis(800);
/// The time between two lists of groups. A list costs a request to each broker.
const LIST_INTERVAL: Duration = Duration::from_secs(5);

/// The offsets of a run's topic and groups. Connected at the first sample, and again after one
/// that failed.
pub(super) struct KafkaOffsets {
    url: BrokerUrl,
    topic: String,
    reader: Arc<Mutex<Option<OffsetReader>>>,
}

struct OffsetReader {
    client: KafkaClient,
    partitions: i32,
    groups: BTreeMap<String, BaseConsumer>,
    listed_at: Option<Instant>,
}

impl std::fmt::Debug for KafkaOffsets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KafkaOffsets({})", self.topic)
    }
}

impl KafkaOffsets {
    pub(super) fn new(url: BrokerUrl, topic: String) -> Self {
        Self {
            url,
            topic,
            reader: Arc::default(),
        }
    }
}

impl GaugeSource for KafkaOffsets {
    fn read<'s>(&'s self, _client: &'s HttpClient) -> BoxFuture<'s, Option<Gauges>> {
        let (reader, url, topic) = (self.reader.clone(), self.url.clone(), self.topic.clone());
        async move {
            let sampling = spawn_blocking(move || sample(&reader, &url, &topic));
            timeout(SAMPLE_TIMEOUT, sampling).await.ok()?.ok()?
        }
        .boxed()
    }
}

fn sample(reader: &Mutex<Option<OffsetReader>>, url: &BrokerUrl, topic: &str) -> Option<Gauges> {
    // A sample that takes long leaves the next ones out.
    let mut slot = reader.try_lock()?;
    let mut reader = match slot.take() {
        Some(reader) => reader,
        None => OffsetReader::connect(url, topic).ok()??,
    };
    let gauges = reader.read(topic).ok()?;
    *slot = Some(reader);
    Some(gauges)
}

impl OffsetReader {
    /// Connects; `None` while there is no topic.
    fn connect(url: &BrokerUrl, topic: &str) -> Result<Option<Self>, String> {
        let client = KafkaClient::new(url)?;
        let topics = client.topics()?;
        let partitions = topics.into_iter().find(|(name, _)| name == topic);
        Ok(partitions.map(|(_, partitions)| Self {
            client,
            partitions,
            groups: BTreeMap::new(),
            listed_at: None,
        }))
    }

    fn read(&mut self, topic: &str) -> Result<Gauges, String> {
        let is_due = |at: Instant| at.elapsed() >= LIST_INTERVAL;
        if self.listed_at.is_none_or(is_due) {
            self.list_groups(topic)?;
            self.listed_at = Some(Instant::now());
        }
        let ends = self.client.ends(topic, self.partitions).map_err(in_words)?;
        let written = sum(&ends);
        let (mut handled, mut waiting) = (0.0, 0.0_f64);
        for group in self.groups.values() {
            let offsets = committed(group, topic, self.partitions).map_err(in_words)?;
            let group_handled = sum(&offsets);
            handled += group_handled;
            // Every group gets every record, so the slowest one says what waits.
            waiting = waiting.max(written - group_handled);
        }
        Ok(Gauges::from([
            (gauge::BROKER_MESSAGES_IN.to_owned(), written),
            (gauge::BROKER_MESSAGES_OUT.to_owned(), handled),
            (gauge::BROKER_BACKLOG.to_owned(), waiting.max(0.0)),
            (gauge::BROKER_CHANNELS.to_owned(), self.groups.len() as f64),
        ]))
    }

    fn list_groups(&mut self, topic: &str) -> Result<(), String> {
        for group in self.client.groups(topic)? {
            if !self.groups.contains_key(&group.name) {
                let reader = self.client.reader_of(&group.name).map_err(in_words)?;
                self.groups.insert(group.name, reader);
            }
        }
        Ok(())
    }
}

/// Returns the sum of the offsets. The topic is new in each run, so offsets count its records.
fn sum(list: &TopicPartitionList) -> f64 {
    let elements = list.elements();
    let offset = |offset| match offset {
        Offset::Offset(offset) => offset.max(0) as f64,
        _ => 0.0,
    };
    elements
        .iter()
        .map(|element| offset(element.offset()))
        .sum()
}
