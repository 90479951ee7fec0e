//! The two kinds of connection that readings go over.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::WorkQueue;
use crate::{
    backplane::{
        decode_frame, encode_frame,
        local_protocol::{self, FrameReader, FrameWriter},
    },
    broker::run::BrokerConfig,
    id::ConsumerGroup,
    ingest::{
        local_protocol::{FromConsumer, FromProducer, ToConsumer, ToProducer},
        queue::MAX_UNACKED,
    },
    net::bounded_queue::{BoundedReceiver, channel},
};

/// Frames written with one flush.
const BATCH: usize = 256;

/// A node that hands readings in, until its connection ends.
pub(in crate::broker) async fn serve_producer(
    groups: &Mutex<WorkQueue>,
    config: &BrokerConfig,
    known: Vec<ConsumerGroup>,
    mut reader: FrameReader,
    mut writer: FrameWriter,
) -> io::Result<()> {
    let (sender, frames) = channel(config.queue_frames, config.queue_bytes);
    let number = lock(groups).add_producer(known, sender);
    let _seat = OnDrop(|| lock(groups).remove_producer(number));
    let read = async {
        loop {
            let frame = next_frame(&mut reader, config.peer_timeout).await?;
            match decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)? {
                (FromProducer::Publish { sequence: theirs }, payload) => {
                    // A copy: a slice would keep the whole read buffer alive.
                    let payload = Bytes::copy_from_slice(&payload);
                    lock(groups).publish(number, theirs, payload);
                }
                (FromProducer::Pong, _) => {}
            }
        }
    };
    tokio::select! {
        ended = write_all(frames, &mut writer, &ToProducer::Ping, config.ping_interval) => ended,
        ended = read => ended,
    }
}

/// A consumer, until its connection ends.
pub(in crate::broker) async fn serve_consumer(
    groups: &Mutex<WorkQueue>,
    config: &BrokerConfig,
    group: ConsumerGroup,
    mut reader: FrameReader,
    mut writer: FrameWriter,
) -> io::Result<()> {
    let (sender, frames) = channel(config.queue_frames, config.queue_bytes);
    let number = lock(groups).add_consumer(&group, MAX_UNACKED, sender);
    let _seat = OnDrop(|| lock(groups).remove_consumer(&group, number));
    let read = async {
        loop {
            let frame = next_frame(&mut reader, config.peer_timeout).await?;
            match decode_frame(&frame).ok_or(io::ErrorKind::InvalidData)? {
                (FromConsumer::Acknowledge(receipts), _) => {
                    lock(groups).acknowledge(&group, number, &receipts);
                }
                (FromConsumer::Pong, _) => {}
            }
        }
    };
    tokio::select! {
        ended = write_all(frames, &mut writer, &ToConsumer::Ping, config.ping_interval) => ended,
        ended = read => ended,
    }
}

/// A place among the groups, given up however its connection ends.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Everything queued, and a ping now and then. Ends when the queue has no other
/// holder: whoever sits there was cut off.
async fn write_all(
    mut queue: BoundedReceiver<Bytes>,
    writer: &mut FrameWriter,
    ping: &impl Serialize,
    every: Duration,
) -> io::Result<()> {
    let mut pings = interval(every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ping = encode_frame(ping, &[]);
    let mut batch: Vec<Bytes> = Vec::new();
    // What is queued by now comes first.
    pings.reset();
    loop {
        tokio::select! {
            taken = queue.recv_many(&mut batch, BATCH) => if taken == 0 { return Ok(()) },
            _ = pings.tick() => batch.push(ping.clone()),
        }
        local_protocol::write_batch(writer, batch.drain(..)).await?;
    }
}

async fn next_frame(reader: &mut FrameReader, dead_after: Duration) -> io::Result<Bytes> {
    match timeout(dead_after, reader.next()).await? {
        Some(frame) => Ok(frame?.freeze()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn lock(groups: &Mutex<WorkQueue>) -> MutexGuard<'_, WorkQueue> {
    groups.lock()
}
