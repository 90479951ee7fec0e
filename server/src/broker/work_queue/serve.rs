//! The connections of producers and consumers.

use std::io;

use bytes::Bytes;
use parking_lot::Mutex;

use super::WorkQueue;
use crate::{
    backplane::{
        decode_frame,
        local::protocol::{FrameReader, FrameWriter},
    },
    broker::{
        BrokerConfig,
        connection::{next_frame, write_all},
    },
    id::ConsumerGroup,
    ingest::{
        local_protocol::{FromConsumer, FromProducer, ToConsumer, ToProducer},
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
    let consumer = work_queue.lock().add_consumer(&group, MAX_UNACKED, sender);
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

/// A guard that removes the peer from the work queue, however its connection ends.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
