//! The connections of producers and consumers.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::SinkExt;
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
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
        metrics::BrokerMetrics,
    },
    id::ConsumerGroup,
    ingest::{
        local_protocol::{FromConsumer, FromProducer, ToConsumer, ToOperator, ToProducer},
        queue::MAX_UNACKED,
    },
    net::bounded_queue::{
        BoundedReceiver,
        group::{GroupedChannel, QueueGroup},
    },
};

/// The service of producers, consumers and operators: the parts of the broker that it uses.
pub(in crate::broker) struct WorkQueueServer<'b> {
    pub(in crate::broker) work_queue: &'b Mutex<WorkQueue>,
    pub(in crate::broker) config: &'b BrokerConfig,
    pub(in crate::broker) queues: &'b Arc<QueueGroup>,
    pub(in crate::broker) metrics: &'b BrokerMetrics,
}

impl WorkQueueServer<'_> {
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
        let handle = |frame, payload: Bytes| match frame {
            FromProducer::Publish { sequence } => {
                // Copied, because a slice would keep the whole read buffer alive.
                let payload = Bytes::copy_from_slice(&payload);
                self.work_queue.lock().publish(producer, sequence, payload);
            }
            FromProducer::Pong => {}
        };
        tokio::select! {
            ended = self.write_all(receiver, &mut writer, &ToProducer::Ping) => ended,
            ended = self.read_all(&mut reader, handle) => ended,
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
        // A statement of its own, so that the lock is released before the await below.
        let added = self
            .work_queue
            .lock()
            .add_consumer(&group, MAX_UNACKED, sender);
        let consumer = match added {
            Ok(consumer) => consumer,
            Err(error) => {
                self.metrics.groups_rejected.inc();
                return self.reject_consumer(error.to_string(), writer).await;
            }
        };
        let _guard = OnDrop(|| self.work_queue.lock().remove_consumer(&group, consumer));
        let handle = |frame, _| match frame {
            FromConsumer::Acknowledge(receipts) => {
                let mut work_queue = self.work_queue.lock();
                work_queue.acknowledge(&group, consumer, &receipts);
            }
            FromConsumer::Pong => {}
        };
        tokio::select! {
            ended = self.write_all(receiver, &mut writer, &ToConsumer::Ping) => ended,
            ended = self.read_all(&mut reader, handle) => ended,
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

    /// Passes every frame of a peer and its payload to `handle`, until the peer closes the
    /// connection. Each frame, a pong too, renews the peer's timeout.
    async fn read_all<F: DeserializeOwned>(
        &self,
        reader: &mut FrameReader,
        mut handle: impl FnMut(F, Bytes),
    ) -> io::Result<()> {
        while let Some(frame) = next_frame(reader, self.config.peer_timeout).await? {
            let (frame, payload) = decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)?;
            handle(frame, payload);
        }
        Ok(())
    }

    /// Writes the queue of a peer, and regular pings.
    async fn write_all(
        &self,
        queue: BoundedReceiver<Bytes>,
        writer: &mut FrameWriter,
        ping: &impl Serialize,
    ) -> io::Result<()> {
        write_all(queue, writer, ping, self.config.ping_interval).await
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
