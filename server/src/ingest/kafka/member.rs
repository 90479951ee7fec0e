//! A member of a group: the part that blocks, and so runs in a thread of its own.

use std::time::{Duration, Instant};

use highwater_types::BrokerUrl;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::AdminClient,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use tokio::runtime::Handle;

use super::{
    super::{
        Telemetry,
        queue::{MAX_UNACKED, QueueError, TelemetryDelivery},
    },
    assignment::{Assignment, KafkaReceipt},
    batch_size::BatchSize,
    settings::{CALL_TIMEOUT, KafkaLog, SESSION_TIMEOUT, client_config},
    topic,
};

/// The time that a poll waits.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);
/// The time for a member's first rebalance. Brokers wait three seconds for more members of a new
/// group.
const FIRST_REBALANCE: Duration = Duration::from_secs(12);

/// The time within which a rebalance must come after a commit was refused for it.
const MAX_REFUSED: Duration = Duration::from_secs(20);

/// The group that a member joins.
#[derive(Debug, Clone)]
pub(super) struct GroupAddress {
    pub(super) url: BrokerUrl,
    pub(super) topic: String,
    /// The name of the group at the broker.
    pub(super) group: String,
    /// The name of the member.
    pub(super) name: String,
}

/// A member of a group.
pub(super) struct Member {
    consumer: BaseConsumer<Assignment>,
    batch_size: BatchSize,
    /// The time of the last poll that had records.
    handed_out_at: Option<Instant>,
    /// The assignment whose commit the broker refused, because a rebalance has begun, and since
    /// when.
    refused: Option<(u64, Instant)>,
}

/// A record that was fetched and is not handed out.
struct FetchedRecord {
    receipt: KafkaReceipt,
    telemetry: Option<Telemetry>,
}

impl Member {
    /// Joins a group. A new group exists when this returns. Blocks.
    pub(super) fn join(runtime: &Handle, address: &GroupAddress) -> Result<Self, QueueError> {
        let config = client_config(&address.url, &address.name);
        let admin = AdminClient::from_config_and_context(&config, KafkaLog)?;
        let partitions = topic::open(runtime, &admin, &address.topic)?;
        let config = group_config(config, &address.group);
        let context = Assignment::new(address.topic.clone());
        let mut member = Self {
            consumer: BaseConsumer::from_config_and_context(&config, context)?,
            batch_size: BatchSize::default(),
            handed_out_at: None,
            refused: None,
        };
        member.consumer.subscribe(&[&address.topic])?;
        // A rebalance takes as long as the slowest member needs for what it has in hand. Only a new
        // group must wait for the end, because it does not exist before.
        if !member.wait_for_rebalance()? && !member.group_exists(&address.topic, partitions)? {
            return Err(QueueError::disconnected(format!(
                "the group got no partitions within {FIRST_REBALANCE:?}"
            )));
        }
        Ok(member)
    }

    /// Returns records that are ready, or waits for the first one. Blocks.
    pub(super) fn poll(&mut self) -> Result<Vec<TelemetryDelivery<KafkaReceipt>>, QueueError> {
        if let Some(at) = self.handed_out_at.take() {
            self.batch_size.adapt(at.elapsed());
        }
        self.check_refused()?;
        let mut fetched = self.fetch_ready(Vec::new())?;
        if fetched.is_empty() {
            // Before the wait: acknowledgements that come with no record must not be lost.
            self.context().commit_if_dirty(&self.consumer)?;
            fetched = self.fetch_first()?;
        }
        let deliveries = self.hand_out(fetched);
        if deliveries.is_empty() {
            return Ok(deliveries);
        }
        // Before the records are handled: if this process dies, the next owner of a partition
        // knows which of its records may have been handled.
        match self.context().commit(&self.consumer, CommitMode::Sync) {
            Ok(()) => {
                self.handed_out_at = Some(Instant::now());
                Ok(deliveries)
            }
            // The records come again, to their owner after the rebalance.
            Err(error) if is_rebalance(&error) => {
                self.refused = Some((self.context().number(), Instant::now()));
                Ok(Vec::new())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Acknowledges records that are handled. Those of a whole poll are committed with the next
    /// one.
    pub(super) fn acknowledge(&mut self, handled: &[KafkaReceipt]) -> Result<(), QueueError> {
        let context = self.context();
        context.acknowledge(handled);
        match context.unhandled() {
            0 => Ok(()),
            _ => Ok(context.commit(&self.consumer, CommitMode::Async)?),
        }
    }

    /// Leaves the group, with acknowledgements committed. Blocks.
    pub(super) fn leave(self) {
        if let Err(error) = self.context().commit(&self.consumer, CommitMode::Sync) {
            tracing::warn!(%error, "cannot commit before leaving; records may come again");
        }
    }

    /// Returns an error if the rebalance for which the broker has refused a commit does not come.
    /// Without it the records never come back.
    fn check_refused(&mut self) -> Result<(), QueueError> {
        let number = self.context().number();
        self.refused = self.refused.filter(|(refused, _)| *refused == number);
        match self.refused {
            Some((_, at)) if at.elapsed() > MAX_REFUSED => Err(QueueError::disconnected(
                "the broker accepts no commits of this member",
            )),
            _ => Ok(()),
        }
    }

    fn context(&self) -> &Assignment {
        self.consumer.context()
    }

    /// Whether each partition has an offset of the group.
    fn group_exists(&self, topic: &str, partitions: i32) -> KafkaResult<bool> {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions - 1);
        let committed = self.consumer.committed_offsets(list, CALL_TIMEOUT)?;
        let elements = committed.elements();
        let has_offset = |offset| matches!(offset, Offset::Offset(_));
        Ok(elements.iter().all(|element| has_offset(element.offset())))
    }

    /// Waits for the first assignment. Returns whether it has come.
    fn wait_for_rebalance(&mut self) -> Result<bool, QueueError> {
        let deadline = Instant::now() + FIRST_REBALANCE;
        while !self.context().was_assigned() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            // No record comes before the assignment.
            self.fetch_one(left.min(POLL_TIMEOUT))?;
        }
        Ok(true)
    }

    /// Adds the records that have arrived.
    fn fetch_ready(
        &mut self,
        mut fetched: Vec<FetchedRecord>,
    ) -> Result<Vec<FetchedRecord>, QueueError> {
        let room = MAX_UNACKED.saturating_sub(self.context().unhandled());
        let most = self.batch_size.records().min(room);
        while fetched.len() < most {
            match self.fetch_one(Duration::ZERO)? {
                Some(record) => fetched.push(record),
                None => break,
            }
        }
        Ok(fetched)
    }

    /// Waits for a record, and returns it with those that arrived with it.
    fn fetch_first(&mut self) -> Result<Vec<FetchedRecord>, QueueError> {
        if self.context().unhandled() >= MAX_UNACKED {
            return self.wait_for_room();
        }
        let deadline = Instant::now() + POLL_TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Some(first) = self.fetch_one(left)? {
                return self.fetch_ready(vec![first]);
            }
            if left.is_zero() {
                return Ok(Vec::new());
            }
        }
    }

    /// Waits without fetching. The member still takes part in rebalances.
    fn wait_for_room(&mut self) -> Result<Vec<FetchedRecord>, QueueError> {
        let number = self.context().number();
        let assigned = self.consumer.assignment()?;
        self.consumer.pause(&assigned)?;
        // None comes, because a pause drops those that wait in the client library.
        let fetched = self.fetch_one(POLL_TIMEOUT)?;
        // Partitions of another assignment are not paused.
        if self.context().number() == number {
            self.consumer.resume(&assigned)?;
        }
        Ok(fetched.into_iter().collect())
    }

    /// Returns the next record; `None` if none came in that time, or a rebalance did.
    fn fetch_one(&mut self, wait: Duration) -> Result<Option<FetchedRecord>, QueueError> {
        let polled = self.consumer.poll(wait);
        if let Some(error) = self.context().take_error() {
            return Err(error.into());
        }
        match polled {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(FetchedRecord {
                receipt: KafkaReceipt {
                    assignment: self.context().number(),
                    partition: message.partition(),
                    offset: message.offset(),
                },
                telemetry: message.payload().and_then(Telemetry::decode),
            })),
            Some(Err(error)) if ends_membership(&error) => Err(error.into()),
            Some(Err(error)) => {
                tracing::warn!(%error, "Kafka reports an error; the client library goes on");
                Ok(None)
            }
        }
    }

    /// Returns records as deliveries, except those of partitions that a rebalance has taken since
    /// they were fetched: their new owner fetches them.
    fn hand_out(&self, fetched: Vec<FetchedRecord>) -> Vec<TelemetryDelivery<KafkaReceipt>> {
        let delivery = |record: FetchedRecord| {
            Some(TelemetryDelivery {
                redelivered: self.context().hand_out(record.receipt)?,
                telemetry: record.telemetry,
                receipt: record.receipt,
            })
        };
        fetched.into_iter().filter_map(delivery).collect()
    }
}

/// Whether a commit was refused because the group has begun a rebalance.
fn is_rebalance(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::RebalanceInProgress
                | RDKafkaErrorCode::IllegalGeneration
                | RDKafkaErrorCode::UnknownMemberId
        )
    )
}

/// Whether the membership has ended, or no broker can be reached.
fn ends_membership(error: &KafkaError) -> bool {
    match error {
        KafkaError::MessageConsumptionFatal(_) => true,
        KafkaError::MessageConsumption(code) => matches!(
            code,
            RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::PollExceeded
                | RDKafkaErrorCode::UnknownTopicOrPartition
        ),
        _ => false,
    }
}

/// Adds the settings of a member.
fn group_config(mut config: ClientConfig, group: &str) -> ClientConfig {
    config
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        // A committed offset that the topic no longer has: a broker has lost records, or all
        // groups have handled them. The first record that is left loses none.
        .set("auto.offset.reset", "earliest")
        .set(
            "session.timeout.ms",
            SESSION_TIMEOUT.as_millis().to_string(),
        )
        .set("heartbeat.interval.ms", "1000")
        .set("partition.assignment.strategy", "roundrobin")
        // A broker answers at once when it has a record. Some do only after this time.
        .set("fetch.wait.max.ms", "100")
        // Records that wait in the client library belong to no poll yet.
        .set("queued.min.messages", "1000")
        .set("queued.max.messages.kbytes", "16384");
    config
}
