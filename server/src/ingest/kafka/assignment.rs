//! The partitions of a member, and the rebalances that change them.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use parking_lot::Mutex;
use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult},
    topic_partition_list::TopicPartitionListElem,
    types::RDKafkaRespErr,
};

use super::{
    offsets::PartitionOffsets,
    settings::{CALL_TIMEOUT, log, log_error},
};

/// The name of a delivery: an offset of a partition, in one assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) struct KafkaReceipt {
    /// The number of the assignment. Receipts of earlier ones have no effect.
    pub(super) assignment: u64,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

/// The partitions of a member. The client library changes them in the thread that polls.
pub(super) struct Assignment {
    topic: String,
    state: Mutex<AssignmentState>,
}

#[derive(Default)]
struct AssignmentState {
    /// Grows with each rebalance.
    number: u64,
    partitions: BTreeMap<i32, PartitionOffsets>,
    /// Whether a rebalance has ended, even without a partition for this member.
    was_assigned: bool,
    /// Whether acknowledgements are not committed.
    is_dirty: bool,
    /// The first error of a rebalance.
    error: Option<KafkaError>,
}

impl ClientContext for Assignment {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

impl ConsumerContext for Assignment {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let done = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.assign(consumer, partitions)
            }
            _ => self.revoke(consumer),
        };
        if let Err(error) = done {
            // The client library waits for an assignment, even for an empty one.
            let _ = consumer.unassign();
            self.state.lock().error.get_or_insert(error);
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        // The offsets are committed again with those of the next records.
        if let Err(error) = result {
            tracing::debug!(%error, "cannot commit acknowledgements; retrying with the next ones");
            self.state.lock().is_dirty = true;
        }
    }
}

impl Assignment {
    /// Returns an assignment without partitions.
    pub(super) fn new(topic: String) -> Self {
        Self {
            topic,
            state: Mutex::default(),
        }
    }

    /// Returns the number of the present assignment.
    pub(super) fn number(&self) -> u64 {
        self.state.lock().number
    }

    /// Whether a rebalance has ended.
    pub(super) fn was_assigned(&self) -> bool {
        self.state.lock().was_assigned
    }

    /// Returns the error of a rebalance, once.
    pub(super) fn take_error(&self) -> Option<KafkaError> {
        self.state.lock().error.take()
    }

    /// Returns the number of records that were handed out and are not handled.
    pub(super) fn unhandled(&self) -> usize {
        let state = self.state.lock();
        state
            .partitions
            .values()
            .map(PartitionOffsets::unhandled)
            .sum()
    }

    /// Adds a record that is handed out. Returns whether another member may have got it before;
    /// `None` if the member has lost its partition.
    pub(super) fn hand_out(&self, receipt: KafkaReceipt) -> Option<bool> {
        let mut state = self.state.lock();
        if state.number != receipt.assignment {
            return None;
        }
        let offsets = state.partitions.get_mut(&receipt.partition)?;
        Some(offsets.hand_out(receipt.offset))
    }

    /// Removes records that are handled. Those of an earlier assignment are another member's.
    pub(super) fn acknowledge(&self, handled: &[KafkaReceipt]) {
        let mut state = self.state.lock();
        let number = state.number;
        for receipt in handled
            .iter()
            .filter(|receipt| receipt.assignment == number)
        {
            if let Some(offsets) = state.partitions.get_mut(&receipt.partition) {
                offsets.acknowledge(receipt.offset);
            }
        }
        state.is_dirty = true;
    }

    /// Commits what is handled, and how far records were handed out.
    pub(super) fn commit(
        &self,
        consumer: &BaseConsumer<Self>,
        mode: CommitMode,
    ) -> KafkaResult<()> {
        let list = self.offsets_to_commit()?;
        if list.count() == 0 {
            return Ok(());
        }
        self.state.lock().is_dirty = false;
        // Not under the lock: the client library may call back.
        consumer.commit(&list, mode)
    }

    /// Commits acknowledgements that are not committed, without waiting for the broker.
    pub(super) fn commit_if_dirty(&self, consumer: &BaseConsumer<Self>) -> KafkaResult<()> {
        match self.state.lock().is_dirty {
            true => {}
            false => return Ok(()),
        }
        self.commit(consumer, CommitMode::Async)
    }

    fn offsets_to_commit(&self) -> KafkaResult<TopicPartitionList> {
        let state = self.state.lock();
        let mut list = TopicPartitionList::with_capacity(state.partitions.len());
        for (partition, offsets) in &state.partitions {
            let mut element = list.add_partition(&self.topic, *partition);
            element.set_offset(Offset::Offset(offsets.lowest_unhandled()))?;
            element.set_metadata(offsets.metadata());
        }
        Ok(list)
    }

    /// Takes partitions, each from its committed offset on. A partition without one begins at
    /// its end, which is committed: from then on the group gets its records.
    fn assign(
        &self,
        consumer: &BaseConsumer<Self>,
        assigned: &TopicPartitionList,
    ) -> KafkaResult<()> {
        let mut asked = TopicPartitionList::with_capacity(assigned.count());
        for element in assigned.elements() {
            asked.add_partition(element.topic(), element.partition());
        }
        let committed = consumer.committed_offsets(asked, CALL_TIMEOUT)?;
        let mut new = TopicPartitionList::new();
        let mut start = TopicPartitionList::with_capacity(committed.count());
        let mut partitions = BTreeMap::new();
        for element in committed.elements() {
            element.error()?;
            let partition = element.partition();
            let offset = match element.offset() {
                Offset::Offset(offset) => offset,
                _ => {
                    let (_, end) =
                        consumer.fetch_watermarks(&self.topic, partition, CALL_TIMEOUT)?;
                    new.add_partition_offset(&self.topic, partition, Offset::Offset(end))?;
                    end
                }
            };
            start.add_partition_offset(&self.topic, partition, Offset::Offset(offset))?;
            partitions.insert(
                partition,
                PartitionOffsets::new(offset, &metadata(&element)),
            );
        }
        if new.count() > 0 {
            consumer.commit(&new, CommitMode::Sync)?;
        }
        consumer.assign(&start)?;
        tracing::debug!(partitions = start.count(), "the group has been rebalanced");
        self.replace(partitions, true);
        Ok(())
    }

    /// Gives all partitions up. Records that are in hand go to their next owner as well.
    fn revoke(&self, consumer: &BaseConsumer<Self>) -> KafkaResult<()> {
        // A member that was silent has lost them already, and may not commit.
        if !consumer.assignment_lost()
            && let Err(error) = self.commit(consumer, CommitMode::Sync)
        {
            tracing::warn!(%error, "cannot commit before a rebalance; records may come again");
        }
        self.replace(BTreeMap::new(), false);
        consumer.unassign()
    }

    fn replace(&self, partitions: BTreeMap<i32, PartitionOffsets>, was_assigned: bool) {
        let mut state = self.state.lock();
        state.number += 1;
        state.partitions = partitions;
        state.was_assigned |= was_assigned;
        state.is_dirty = false;
    }
}

/// Returns the metadata of a commit; empty for bytes of another client that are no text, on which
/// the client library panics.
fn metadata(element: &TopicPartitionListElem<'_>) -> String {
    let read = || element.metadata().to_owned();
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
}
