//! A joined connection to the embedded broker.

use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::protocol::{self, FrameReader, FrameWriter, FromBroker, ToBroker};
use crate::{
    backplane::{
        Inbound, MessageKind,
        endpoint::BackplaneEndpoint,
        envelope::{decode_frame, encode_frame},
        lease::Lease,
    },
    net::bounded_queue::BoundedReceiver,
};

/// The frames that are written with one flush.
const BATCH: usize = 256;

/// Signs of life that a node sends in a lease.
const BEATS_PER_LEASE: u32 = 5;
/// Leases after which a node gives up a silent broker. A connection that survives costs
/// nothing when the broker goes on; a new one costs a view.
const MAX_SILENT_LEASES: u32 = 3;

/// A connection from its welcome to its end.
pub(super) struct ActiveConnection<'c> {
    endpoint: &'c BackplaneEndpoint<Bytes>,
    /// The time for which either end may be silent. The broker pings several times in it.
    lease: Lease,
    /// Notified when a ping waits for its pong.
    pong_due: Notify,
}

impl<'c> ActiveConnection<'c> {
    pub(super) fn new(endpoint: &'c BackplaneEndpoint<Bytes>, lease: Lease) -> Self {
        Self {
            endpoint,
            lease,
            pong_due: Notify::new(),
        }
    }

    /// Writes what is queued until the node leaves and the queue is empty.
    pub(super) async fn write_all(
        &self,
        queue: &mut BoundedReceiver<Bytes>,
        writer: &mut FrameWriter,
        leave: &CancellationToken,
    ) -> io::Result<()> {
        let mut batch = Vec::new();
        // Not only after a ping: a broker that hangs sends none, and finds the signs of life
        // in its buffer when it goes on.
        let mut beats = interval(self.lease.duration / BEATS_PER_LEASE);
        // After a pause one suffices.
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Missed subscriptions come first, so that they are in force for what is
                // sent after them. Leaving comes last, so that the queue is written before.
                biased;
                () = self.endpoint.resubscribe.notified() => {
                    let topics = self.endpoint.topics().into_iter();
                    batch.extend(topics.map(|topic| encode_frame(&ToBroker::Subscribe { topic }, &[])));
                }
                () = self.pong_due.notified() => batch.push(self.pong()),
                _ = beats.tick() => batch.push(self.pong()),
                count = queue.recv_many(&mut batch, BATCH) => if count == 0 { return Ok(()) },
                () = leave.cancelled() => return SinkExt::<Bytes>::close(writer).await,
            }
            // A node without topics subscribes to none of them. A lease that it renewed without
            // sending anything would outlast its entry at the broker.
            if batch.is_empty() {
                continue;
            }
            // After a pause, the broker may have given up this entry.
            self.lease.check().map_err(io::Error::other)?;
            let started = Instant::now();
            protocol::write_batch(writer, batch.drain(..)).await?;
            self.lease.renew(started);
        }
    }

    fn pong(&self) -> Bytes {
        let pong = encode_frame(&ToBroker::Pong, &[]);
        self.endpoint
            .traffic
            .count_sent(MessageKind::Control, pong.len());
        pong
    }

    /// Reads frames until the broker closes the connection.
    ///
    /// When the broker is silent for a lease, it hangs or is unreachable: the node counts as
    /// disconnected, but keeps the connection. Fails after [`MAX_SILENT_LEASES`].
    pub(super) async fn read_all(
        &self,
        deliver: &mpsc::Sender<Inbound>,
        reader: &mut FrameReader,
    ) -> io::Result<()> {
        loop {
            let frame = match timeout(self.lease.duration, reader.next()).await {
                Ok(frame) => frame,
                Err(_) => self.next_after_silence(reader).await?,
            };
            let Some(frame) = frame.transpose()?.map(BytesMut::freeze) else {
                return Ok(());
            };
            // Checked before each frame: after a pause, what was buffered meanwhile may
            // be meant for an entry that this node no longer has.
            self.lease.check().map_err(io::Error::other)?;
            if let Some(inbound) = self.decode(&frame)? {
                // It fails when the receiver is dropped; the whole task ends then.
                let _ = deliver.send(inbound).await;
            }
        }
    }

    /// Waits further for a broker that was silent for a lease.
    async fn next_after_silence(
        &self,
        reader: &mut FrameReader,
    ) -> io::Result<Option<io::Result<BytesMut>>> {
        let silence = self.lease.duration;
        tracing::warn!("the broker sent nothing for {silence:?}; waiting for it to go on");
        self.endpoint.mark_disconnected();
        let Ok(frame) = timeout(silence * (MAX_SILENT_LEASES - 1), reader.next()).await else {
            let silent = format!(
                "the broker sent nothing for {:?}",
                silence * MAX_SILENT_LEASES
            );
            return Err(io::Error::new(io::ErrorKind::TimedOut, silent));
        };
        // Not after a pause of this node: then the broker may have given up this entry.
        self.lease.check().map_err(io::Error::other)?;
        if matches!(frame, Some(Ok(_))) {
            tracing::info!("the broker goes on");
            self.endpoint.mark_connected();
            // Those of the meantime were not sent.
            self.endpoint.resubscribe.notify_one();
        }
        Ok(frame)
    }

    fn decode(&self, frame: &Bytes) -> io::Result<Option<Inbound>> {
        let (header, payload) = decode_frame(frame).ok_or(io::ErrorKind::InvalidData)?;
        let (kind, inbound) = match header {
            // The writer answers, because it alone has the writing half.
            FromBroker::Ping => {
                self.pong_due.notify_one();
                (MessageKind::Control, None)
            }
            FromBroker::View(view) => {
                protocol::check_version(&view)?;
                self.endpoint.apply_view(view);
                (MessageKind::Control, None)
            }
            FromBroker::Rejected { reason } => return Err(io::Error::other(reason)),
            FromBroker::Welcome { .. } => return Err(io::ErrorKind::InvalidData.into()),
            FromBroker::Unicast { from } => {
                let (envelope, payload) =
                    decode_frame(&payload).ok_or(io::ErrorKind::InvalidData)?;
                let inbound = self.endpoint.handle_unicast(from, envelope, payload);
                (MessageKind::Unicast, inbound)
            }
            FromBroker::Published { topic } => (
                MessageKind::Topic,
                Some(Inbound::Published { topic, payload }),
            ),
        };
        self.endpoint.traffic.count_received(kind, frame.len());
        Ok(inbound)
    }
}
