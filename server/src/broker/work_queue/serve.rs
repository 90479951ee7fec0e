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
        connection::{next_frame, write_all},
    },
    id::ConsumerGroup,
    ingest::{
        local_protocol::{FromConsumer, FromProducer, ToConsumer, ToOperator, ToProducer},
        queue::MAX_UNACKED,
    },
    net::bounded_queue::channel,
};

/// Serves a node that sends telemetry, until its connection ends.
pub(in crate::broker) async fn serve_producer(
    work_queue: &Mutex<WorkQueue>,
    config: &BrokerConfig,
    known_groups: Vec<ConsumerGroup>,
    mut reader: FrameReader,
    mut writer: FrameWriter,
) -> io::Result<()> {
    let (sender, queue) = channel(config.queue_frames, config.queue_bytes);
    let producer = work_queue.lock().add_producer(known_groups, sender);
    // The connection may also end by cancellation, when the broker shuts down.
    let _guard = OnDrop(|| work_queue.lock().remove_producer(producer));
    let read = async {
        while let Some(frame) = next_frame(&mut reader, config.peer_timeout).await? {
            match decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)? {
                (FromProducer::Publish { sequence }, payload) => {
                    // Copied, because a slice would keep the whole read buffer alive.
                    let payload = Bytes::copy_from_slice(&payload);
                    work_queue.lock().publish(producer, sequence, payload);
                }
                // Reading it has renewed the peer's timeout.
                (FromProducer::Pong, _) => {}
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = write_all(queue, &mut writer, &ToProducer::Ping, config.ping_interval) => ended,
        ended = read => ended,
    }
}

/// Serves a consumer, until its connection ends.
pub(in crate::broker) async fn serve_consumer(
    work_queue: &Mutex<WorkQueue>,
    config: &BrokerConfig,
    group: ConsumerGroup,
    mut reader: FrameReader,
    mut writer: FrameWriter,
) -> io::Result<()> {
    let (sender, queue) = channel(config.queue_frames, config.queue_bytes);
    // A statement of its own: the lock must not be held over the await below.
    let added = work_queue.lock().add_consumer(&group, MAX_UNACKED, sender);
    let consumer = match added {
        Ok(consumer) => consumer,
        Err(error) => {
            let reason = error.to_string();
            tracing::warn!(reason, "rejected a consumer");
            let rejected = encode_frame(&ToConsumer::Rejected { reason }, &[]);
            return timeout(config.peer_timeout, writer.send(rejected)).await?;
        }
    };
    let _guard = OnDrop(|| work_queue.lock().remove_consumer(&group, consumer));
    let read = async {
        while let Some(frame) = next_frame(&mut reader, config.peer_timeout).await? {
            match decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)? {
                (FromConsumer::Acknowledge(receipts), _) => {
                    work_queue.lock().acknowledge(&group, consumer, &receipts);
                }
                (FromConsumer::Pong, _) => {}
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = write_all(queue, &mut writer, &ToConsumer::Ping, config.ping_interval) => ended,
        ended = read => ended,
    }
}

/// Removes a group, if an operator asks for it, and answers with all groups.
pub(in crate::broker) async fn serve_operator(
    work_queue: &Mutex<WorkQueue>,
    config: &BrokerConfig,
    removed_group: Option<ConsumerGroup>,
    mut writer: FrameWriter,
) -> io::Result<()> {
    let answer = {
        let mut queue = work_queue.lock();
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
    timeout(config.peer_timeout, writer.send(encode_frame(&answer, &[]))).await?
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
