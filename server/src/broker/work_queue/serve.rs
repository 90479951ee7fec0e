//! The connections of producers and consumers.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::SinkExt;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::WorkQueue;
use crate::{
    backplane::{
        decode_frame, encode_frame,
        local::protocol::{FrameReader, FrameWriter},
    },
    broker::{
        BrokerConfig,
        connection::{next_frame, too_slow, write_all},
    },
    id::ConsumerGroup,
    ingest::{
        local_protocol::{FromConsumer, FromProducer, ToConsumer, ToOperator, ToProducer},
        queue::MAX_UNACKED,
    },
    net::bounded_queue::group::{GroupedChannel, QueueGroup},
};

/// The parts of the broker that producers, consumers and operators share.
pub(in crate::broker) struct WorkQueuePeers<'b> {
    pub(in crate::broker) work_queue: &'b Mutex<WorkQueue>,
    pub(in crate::broker) config: &'b BrokerConfig,
    pub(in crate::broker) queues: &'b Arc<QueueGroup>,
}

impl WorkQueuePeers<'_> {
    /// Serves a node that sends telemetry, until its connection ends.
    pub(in crate::broker) async fn serve_producer(
        &self,
        known_groups: Vec<ConsumerGroup>,
        mut reader: FrameReader,
        mut writer: FrameWriter,
    ) -> io::Result<()> {
        let GroupedChannel {
            sender,
            receiver,
            overflowed,
        } = self.channel();
        let producer = self.work_queue.lock().add_producer(known_groups, sender);
        // The connection may also end by cancellation, when the broker shuts down.
        let _guard = OnDrop(|| self.work_queue.lock().remove_producer(producer));
        let read = async {
            while let Some(frame) = next_frame(&mut reader, self.config.peer_timeout).await? {
                match decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)? {
                    (FromProducer::Publish { sequence }, payload) => {
                        // Copied, because a slice would keep the whole read buffer alive.
                        let payload = Bytes::copy_from_slice(&payload);
                        self.work_queue.lock().publish(producer, sequence, payload);
                    }
                    // Reading it has renewed the peer's timeout.
                    (FromProducer::Pong, _) => {}
                }
            }
            Ok(())
        };
        let (ping, interval) = (ToProducer::Ping, self.config.ping_interval);
        tokio::select! {
            ended = write_all(receiver, &mut writer, &ping, interval) => ended,
            ended = read => ended,
            () = overflowed.cancelled() => Err(too_slow()),
        }
    }

    /// Serves a consumer, until its connection ends.
    pub(in crate::broker) async fn serve_consumer(
        &self,
        group: ConsumerGroup,
        mut reader: FrameReader,
        mut writer: FrameWriter,
    ) -> io::Result<()> {
        let GroupedChannel {
            sender,
            receiver,
            overflowed,
        } = self.channel();
        // A statement of its own: the lock must not be held over the await below.
        let added = self
            .work_queue
            .lock()
            .add_consumer(&group, MAX_UNACKED, sender);
        let consumer = match added {
            Ok(consumer) => consumer,
            Err(error) => return self.reject_consumer(error.to_string(), writer).await,
        };
        let _guard = OnDrop(|| self.work_queue.lock().remove_consumer(&group, consumer));
        let read = async {
            while let Some(frame) = next_frame(&mut reader, self.config.peer_timeout).await? {
                match decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)? {
                    (FromConsumer::Acknowledge(receipts), _) => {
                        let mut work_queue = self.work_queue.lock();
                        work_queue.acknowledge(&group, consumer, &receipts);
                    }
                    (FromConsumer::Pong, _) => {}
                }
            }
            Ok(())
        };
        let (ping, interval) = (ToConsumer::Ping, self.config.ping_interval);
        tokio::select! {
            ended = write_all(receiver, &mut writer, &ping, interval) => ended,
            ended = read => ended,
            () = overflowed.cancelled() => Err(too_slow()),
        }
    }

    /// Rejects a consumer with a reason.
    pub(in crate::broker) async fn reject_consumer(
        &self,
        reason: String,
        mut writer: FrameWriter,
    ) -> io::Result<()> {
        tracing::warn!(reason, "rejected a consumer");
        let rejected = encode_frame(&ToConsumer::Rejected { reason }, &[]);
        timeout(self.config.peer_timeout, writer.send(rejected)).await?
    }

    /// Removes a group, if an operator asks for it, and answers with all groups.
    pub(in crate::broker) async fn serve_operator(
        &self,
        removed_group: Option<ConsumerGroup>,
        mut writer: FrameWriter,
    ) -> io::Result<()> {
        let answer = {
            let mut queue = self.work_queue.lock();
            let removed = removed_group
                .as_ref()
                .map(|group| queue.remove_group(group));
            match removed.transpose() {
                Ok(_) => ToOperator::Groups(queue.group_statuses(Instant::now())),
                Err(error) => ToOperator::Rejected {
                    reason: error.to_string(),
                },
            }
        };
        if let (Some(group), ToOperator::Groups(_)) = (removed_group, &answer) {
            tracing::info!(%group, "an operator removed a consumer group");
        }
        timeout(
            self.config.peer_timeout,
            writer.send(encode_frame(&answer, &[])),
        )
        .await?
    }

    /// Rejects an operator with a reason.
    pub(in crate::broker) async fn reject_operator(
        &self,
        reason: String,
        mut writer: FrameWriter,
    ) -> io::Result<()> {
        let rejected = encode_frame(&ToOperator::Rejected { reason }, &[]);
        timeout(self.config.peer_timeout, writer.send(rejected)).await?
    }

    /// Creates the queue of a peer.
    fn channel(&self) -> GroupedChannel<Bytes> {
        let (frames, bytes) = (self.config.queue_frames, self.config.queue_bytes);
        self.queues.channel(frames, bytes)
    }
}

/// Removes the groups that have been abandoned for too long, as long as the broker lives.
pub(in crate::broker) async fn expire_groups(work_queue: Arc<Mutex<WorkQueue>>) {
    let expiry = work_queue.lock().group_expiry();
    // A tenth late at most.
    let pause = (expiry / 10).clamp(Duration::from_millis(50), Duration::from_secs(10));
    loop {
        sleep(pause).await;
        for group in work_queue.lock().expire_groups(Instant::now()) {
            tracing::warn!(%group, "removed a consumer group that has had no consumers for {expiry:?}");
        }
    }
}

/// A guard that removes the peer from the work queue, however its connection ends.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
