//! The state of the queue, as the broker tells it: its groups, and how far the slowest one is
//! behind. A thread asks once a second, and deletes what every group has handled.

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaResult,
};
use tokio::{runtime::Handle, sync::watch};

use super::{
    super::queue::{MAX_GROUPS, QueueError},
    settings::{CALL_TIMEOUT, KafkaLog, group_prefix},
    topic,
};

/// The time between two readings.
const READ_INTERVAL: Duration = Duration::from_secs(1);
/// The time between two lists of groups, while there are groups. A list costs a request to each
/// broker.
const GROUPS_INTERVAL: Duration = Duration::from_secs(5);
/// The time between two deletions.
const TRIM_INTERVAL: Duration = Duration::from_secs(10);
/// The failed readings in a row after which the broker counts as unavailable.
const MAX_FAILURES: u32 = 2;

/// The state of the queue at the last reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct QueueState {
    /// Whether there is a group.
    pub(super) has_group: bool,
    /// The records that the slowest group has not handled.
    pub(super) queued: u64,
}

/// A reading, or the reason why it failed.
type Reading = Result<QueueState, String>;

/// A thread that reads the state of the queue. It ends when this is dropped.
pub(super) struct QueueWatch {
    partitions: i32,
    readings: watch::Receiver<Reading>,
    /// The records that this node has published since the last reading.
    accepted_since: u64,
    /// Dropped to stop the thread.
    _stop: mpsc::Sender<()>,
}

impl QueueWatch {
    /// Opens the topic and starts the thread, with a first reading. Blocks. The thread drops
    /// `producer` when it ends: that blocks as well.
    pub(super) fn start(
        runtime: &Handle,
        config: &ClientConfig,
        topic: &str,
        producer: impl Send + 'static,
    ) -> Result<Self, QueueError> {
        let admin = AdminClient::from_config_and_context(config, KafkaLog)?;
        let partitions = topic::open(runtime, &admin, topic)?;
        let mut reader = QueueReader {
            client: config.create()?,
            config: config.clone(),
            topic: topic.to_owned(),
            partitions,
            groups: BTreeMap::new(),
            groups_at: None,
            trim: Trim {
                admin,
                runtime: runtime.clone(),
                at: Instant::now(),
                is_refused: false,
            },
        };
        let (publish, readings) = watch::channel(Ok(reader.read()?));
        let (stop, stopped) = mpsc::channel::<()>();
        thread::Builder::new()
            .name("kafka queue watch".to_owned())
            .spawn(move || {
                let _producer = producer;
                let mut failures = 0;
                while stopped.recv_timeout(READ_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    match reader.read() {
                        Ok(state) => {
                            failures = 0;
                            publish.send_modify(|reading| *reading = Ok(state));
                        }
                        Err(error) => {
                            failures += 1;
                            tracing::debug!(%error, failures, "cannot read the state of the queue");
                            if failures >= MAX_FAILURES {
                                publish.send_modify(|reading| *reading = Err(error.to_string()));
                            }
                        }
                    }
                }
            })
            .map_err(QueueError::disconnected)?;
        Ok(Self {
            partitions,
            readings,
            accepted_since: 0,
            _stop: stop,
        })
    }

    /// Returns the number of partitions.
    pub(super) fn partitions(&self) -> i32 {
        self.partitions
    }

    /// Returns the state, with the records that this node has published since.
    pub(super) fn state(&mut self) -> Result<QueueState, QueueError> {
        if self.readings.has_changed().unwrap_or(false) {
            self.accepted_since = 0;
        }
        let reading = self.readings.borrow_and_update().clone();
        let mut state = reading.map_err(QueueError::Disconnected)?;
        state.queued = state.queued.saturating_add(self.accepted_since);
        Ok(state)
    }

    /// Counts a record that this node has published.
    pub(super) fn count_accepted(&mut self) {
        self.accepted_since += 1;
    }

    /// Waits until the broker gives no answers any more.
    pub(super) async fn failed(&mut self) -> QueueError {
        // A clone, because `state` looks for changes that it has not seen.
        let mut readings = self.readings.clone();
        let reading = readings.wait_for(Result::is_err).await;
        let reason = reading.ok().and_then(|reading| reading.clone().err());
        QueueError::Disconnected(reason.unwrap_or_else(|| "the queue's watch has ended".to_owned()))
    }
}

/// The part of the watch that asks the broker.
struct QueueReader {
    /// A client that joins no group.
    client: BaseConsumer,
    config: ClientConfig,
    topic: String,
    partitions: i32,
    /// A client for each group, which reads its offsets and joins nothing.
    groups: BTreeMap<String, BaseConsumer>,
    /// The time of the last list of groups.
    groups_at: Option<Instant>,
    trim: Trim,
}

impl QueueReader {
    fn read(&mut self) -> KafkaResult<QueueState> {
        let is_due = |at: Instant| at.elapsed() >= GROUPS_INTERVAL;
        if self.groups.is_empty() || self.groups_at.is_none_or(is_due) {
            self.list_groups()?;
            self.groups_at = Some(Instant::now());
        }
        let ends = offsets(
            &self
                .client
                .offsets_for_times(self.all(Offset::End)?, CALL_TIMEOUT)?,
        );
        let mut state = QueueState::default();
        // The lowest offset of each partition that a group has not handled.
        let mut lowest: Option<PartitionList> = None;
        for group in self.groups.values() {
            let committed = group.committed_offsets(self.all(Offset::Invalid)?, CALL_TIMEOUT)?;
            let committed = offsets(&committed);
            // Its first members still take their partitions, and it does not exist yet.
            if committed.len() < self.partitions as usize {
                continue;
            }
            state.has_group = true;
            state.queued = state.queued.max(lag(&ends, &committed));
            lowest = Some(match lowest {
                None => committed,
                Some(lowest) => lower(lowest, &committed),
            });
        }
        if let Some(lowest) = lowest {
            self.trim.run(&self.topic, &lower(lowest, &ends));
        }
        Ok(state)
    }

    /// Finds the groups of the topic. Groups that the broker has removed go.
    fn list_groups(&mut self) -> KafkaResult<()> {
        let prefix = group_prefix(&self.topic);
        let list = self.client.fetch_group_list(None, CALL_TIMEOUT)?;
        let names = list.groups().iter().map(|group| group.name());
        // Bounded: each one costs a client with its threads.
        let names: Vec<&str> = names
            .filter(|name| name.starts_with(&prefix))
            .take(MAX_GROUPS)
            .collect();
        self.groups.retain(|name, _| names.contains(&name.as_str()));
        for name in names {
            if !self.groups.contains_key(name) {
                let mut config = self.config.clone();
                config
                    .set("group.id", name)
                    .set("enable.auto.commit", "false");
                self.groups.insert(name.to_owned(), config.create()?);
            }
        }
        Ok(())
    }

    /// Returns all partitions with one offset.
    fn all(&self, offset: Offset) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(self.partitions as usize);
        for partition in 0..self.partitions {
            list.add_partition_offset(&self.topic, partition, offset)?;
        }
        Ok(list)
    }
}

/// Offsets by partition.
type PartitionList = BTreeMap<i32, i64>;

/// Returns the partitions that have an offset.
fn offsets(list: &TopicPartitionList) -> PartitionList {
    let elements = list.elements();
    let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match (
        element.error(),
        element.offset(),
    ) {
        (Ok(()), Offset::Offset(offset)) => Some((element.partition(), offset)),
        _ => None,
    };
    elements.iter().filter_map(offset).collect()
}

/// Returns the records that a group has not handled.
fn lag(ends: &PartitionList, committed: &PartitionList) -> u64 {
    let behind = |(partition, offset): (&i32, &i64)| {
        let end = ends.get(partition).copied().unwrap_or(*offset);
        // A broker that has lost records may be behind the group.
        u64::try_from(end.saturating_sub(*offset)).unwrap_or(0)
    };
    committed.iter().map(behind).sum()
}

/// Returns the lower offset of each partition that is in both.
fn lower(mut first: PartitionList, second: &PartitionList) -> PartitionList {
    first.retain(|partition, offset| {
        let other = second.get(partition);
        *offset = other.map_or(*offset, |other| (*offset).min(*other));
        other.is_some()
    });
    first
}

/// The deletion of records that every group has handled.
struct Trim {
    admin: AdminClient<KafkaLog>,
    runtime: Handle,
    /// The time of the last deletion.
    at: Instant,
    /// Whether the broker deletes nothing.
    is_refused: bool,
}

impl Trim {
    /// Deletes the records below these offsets, if it is time.
    fn run(&mut self, topic: &str, lowest: &PartitionList) {
        if self.at.elapsed() < TRIM_INTERVAL {
            return;
        }
        self.at = Instant::now();
        let deleted = self.delete(topic, lowest);
        // Not an error of the queue: records stay longer, and are handled once all the same.
        if let Err(error) = &deleted
            && !self.is_refused
        {
            tracing::warn!(
                %error,
                "cannot delete handled records; the topic grows until its broker deletes them"
            );
        }
        self.is_refused = deleted.is_err();
    }

    fn delete(&self, topic: &str, lowest: &PartitionList) -> KafkaResult<()> {
        let mut list = TopicPartitionList::with_capacity(lowest.len());
        // Nothing lies before the first offset.
        for (partition, offset) in lowest.iter().filter(|(_, offset)| **offset > 0) {
            list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
        }
        if list.count() == 0 {
            return Ok(());
        }
        let options = AdminOptions::new().request_timeout(Some(CALL_TIMEOUT));
        let deleting = self.admin.delete_records(&list, &options);
        self.runtime.block_on(deleting).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(offsets: &[(i32, i64)]) -> PartitionList {
        offsets.iter().copied().collect()
    }

    #[test]
    fn lag_is_the_sum_over_partitions_and_never_negative() {
        let ends = list(&[(0, 10), (1, 5), (2, 3)]);
        assert_eq!(lag(&ends, &list(&[(0, 4), (1, 5), (2, 0)])), 9);
        // The broker has lost the records from 3 on.
        assert_eq!(lag(&ends, &list(&[(2, 8)])), 0);
        assert_eq!(lag(&ends, &list(&[(7, 1)])), 0);
    }

    #[test]
    fn records_are_deleted_below_the_slowest_group_alone() {
        let first = list(&[(0, 4), (1, 9), (3, 1)]);
        let second = list(&[(0, 6), (1, 2), (2, 5)]);
        assert_eq!(lower(first, &second), list(&[(0, 4), (1, 2)]));
    }
}
