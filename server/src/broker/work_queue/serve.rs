//! The two kinds of connection that readings go over.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{
    Groups,
    protocol::{FromConsumer, FromProducer, ToConsumer, ToProducer},
};
use crate::{
    backplane::{open, seal},
    bounded_queue::{Receiver, channel},
    broker::{
        protocol::{self, Reader, Writer},
        run::BrokerConfig,
    },
    id::Group,
    ingest::queue::IN_HAND,
};

/// Frames written with one flush.
const BATCH: usize = 256;

/// A node that hands readings in, until its connection ends.
pub(in crate::broker) async fn producer(
    groups: &Mutex<Groups>,
    config: &BrokerConfig,
    known: Vec<Group>,
    mut reader: Reader,
    mut writer: Writer,
) -> io::Result<()> {
    let (sender, frames) = channel(config.queue_frames, config.queue_bytes);
    let number = lock(groups).producer_joined(known, sender);
    let _seat = Seat(|| lock(groups).producer_left(number));
    let read = async {
        loop {
            let frame = next(&mut reader, config.dead_after).await?;
            match open(&frame).ok_or(io::ErrorKind::InvalidData)? {
                (FromProducer::Submit { number: theirs }, payload) => {
                    // A copy: a slice would keep the whole read buffer alive.
                    let payload = Bytes::copy_from_slice(&payload);
                    lock(groups).submit(number, theirs, payload);
                }
                (FromProducer::Pong, _) => {}
            }
        }
    };
    tokio::select! {
        ended = write_all(frames, &mut writer, &ToProducer::Ping, config.ping_every) => ended,
        ended = read => ended,
    }
}

/// A consumer, until its connection ends.
pub(in crate::broker) async fn consumer(
    groups: &Mutex<Groups>,
    config: &BrokerConfig,
    group: Group,
    mut reader: Reader,
    mut writer: Writer,
) -> io::Result<()> {
    let (sender, frames) = channel(config.queue_frames, config.queue_bytes);
    let number = lock(groups).consumer_joined(&group, IN_HAND, sender);
    let _seat = Seat(|| lock(groups).consumer_left(&group, number));
    let read = async {
        loop {
            let frame = next(&mut reader, config.dead_after).await?;
            match open(&frame).ok_or(io::ErrorKind::InvalidData)? {
                (FromConsumer::Handled(receipts), _) => {
                    lock(groups).handled(&group, number, &receipts);
                }
                (FromConsumer::Pong, _) => {}
            }
        }
    };
    tokio::select! {
        ended = write_all(frames, &mut writer, &ToConsumer::Ping, config.ping_every) => ended,
        ended = read => ended,
    }
}

/// A place among the groups, given up however its connection ends.
struct Seat<F: Fn()>(F);

impl<F: Fn()> Drop for Seat<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Everything queued, and a ping now and then. Ends when the queue has no other
/// holder: whoever sits there was cut off.
async fn write_all(
    mut queue: Receiver<Bytes>,
    writer: &mut Writer,
    ping: &impl Serialize,
    every: Duration,
) -> io::Result<()> {
    let mut pings = interval(every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ping = seal(ping, &[]);
    let mut batch: Vec<Bytes> = Vec::new();
    // What is queued by now comes first.
    pings.reset();
    loop {
        tokio::select! {
            taken = queue.recv_many(&mut batch, BATCH) => if taken == 0 { return Ok(()) },
            _ = pings.tick() => batch.push(ping.clone()),
        }
        protocol::write_batch(writer, batch.drain(..)).await?;
    }
}

async fn next(reader: &mut Reader, dead_after: Duration) -> io::Result<Bytes> {
    match timeout(dead_after, reader.next()).await? {
        Some(frame) => Ok(frame?.freeze()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn lock(groups: &Mutex<Groups>) -> MutexGuard<'_, Groups> {
    groups.lock().unwrap_or_else(PoisonError::into_inner)
}
