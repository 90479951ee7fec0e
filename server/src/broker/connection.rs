//! The two directions of a connection to a peer.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::{
    backplane::{
        encode_frame,
        local::protocol::{self, FrameReader, FrameWriter},
    },
    net::bounded_queue::BoundedReceiver,
};

/// The frames that are written with one flush.
const BATCH: usize = 256;

/// Writes queued frames and regular pings.
///
/// Ends when the other holder of the queue drops it: the peer was replaced, or did not
/// read its frames.
pub(super) async fn write_all(
    mut queue: BoundedReceiver<Bytes>,
    writer: &mut FrameWriter,
    ping: &impl Serialize,
    ping_interval: Duration,
) -> io::Result<()> {
    let mut pings = interval(ping_interval);
    // After a stall one ping is enough.
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ping = encode_frame(ping, &[]);
    let mut batch: Vec<Bytes> = Vec::new();
    // An interval fires at once, but the peer expects the queued frames first.
    pings.reset();
    loop {
        tokio::select! {
            count = queue.recv_many(&mut batch, BATCH) => if count == 0 { return Ok(()) },
            _ = pings.tick() => batch.push(ping.clone()),
        }
        protocol::write_batch(writer, batch.drain(..)).await?;
    }
}

/// Returns the end of the connection to a peer that was the slowest when the queues of all peers
/// were full.
pub(super) fn too_slow() -> io::Error {
    io::Error::other("the queues of all peers were full, and this peer was the slowest")
}

/// Reads the next frame, or returns `None` when the peer closes the connection.
///
/// Fails when the peer is silent for `peer_timeout`. A live peer answers pings.
pub(super) async fn next_frame(
    reader: &mut FrameReader,
    peer_timeout: Duration,
) -> io::Result<Option<Bytes>> {
    let frame = timeout(peer_timeout, reader.next()).await?;
    Ok(frame.transpose()?.map(|frame| frame.freeze()))
}
