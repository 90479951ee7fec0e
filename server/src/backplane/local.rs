//! The embedded broker's client (`local://HOST:PORT`).
//!
//! One TCP connection carries everything. It is rebuilt with backoff and full
//! jitter for as long as the node lives; after each rebuild the node introduces
//! itself and its subscriptions again.

use std::{io, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Backplane, Identity, Inbound, Member, MessageKind,
    endpoint::{BackplaneEndpoint, Enqueued, Outbound},
    envelope::{Envelope, decode_frame, encode_frame},
    lease::Lease,
    local_protocol::{self, FrameReader, FrameWriter, FromBroker, PROTOCOL_VERSION, ToBroker},
};
use crate::{
    id::Topic,
    net::{backoff::Backoff, bounded_queue},
};

/// Frames that may wait for the connection; more are refused.
const MAX_QUEUED_FRAMES: usize = 8192;
/// Bytes that may wait for the connection; more are refused.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;
/// Frames written with one flush.
const BATCH: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the broker may take to read what was sent last.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts the connection's task and returns at once.
pub(super) fn join(
    authority: &str,
    identity: Identity,
    deliver: mpsc::Sender<Inbound>,
    leave: CancellationToken,
) -> (Arc<dyn Backplane>, JoinHandle<()>) {
    let (outgoing, queue) = bounded_queue::channel(MAX_QUEUED_FRAMES, MAX_QUEUED_BYTES);
    let endpoint = Arc::new(BackplaneEndpoint::new(
        identity.id.clone(),
        LocalSendQueue { frames: outgoing },
    ));
    let link = LocalConnection {
        endpoint: Arc::clone(&endpoint),
        identity,
        authority: authority.to_owned(),
        deliver: deliver.clone(),
        queue,
        leave,
    };
    let task = tokio::spawn(async move {
        tokio::select! {
            () = link.keep_connected() => {}
            // As if the process had died.
            () = deliver.closed() => {}
        }
    });
    (endpoint, task)
}

/// The queue to the broker.
struct LocalSendQueue {
    frames: bounded_queue::BoundedSender<Bytes>,
}

impl Outbound for LocalSendQueue {
    fn unicast(&self, to: &Member, envelope: &Envelope, payload: &[u8]) -> Enqueued {
        let to = ToBroker::Unicast {
            to: to.id.clone(),
            generation: to.generation,
        };
        self.push(&to, &encode_frame(envelope, payload))
    }

    fn publish(&self, topic: &Topic, payload: &[u8]) -> Enqueued {
        let topic = topic.clone();
        self.push(&ToBroker::Publish { topic }, payload)
    }

    fn subscribe(&self, topic: &Topic) -> Enqueued {
        let topic = topic.clone();
        self.push(&ToBroker::Subscribe { topic }, &[])
    }

    fn unsubscribe(&self, topic: &Topic) -> Enqueued {
        let topic = topic.clone();
        self.push(&ToBroker::Unsubscribe { topic }, &[])
    }
}

impl LocalSendQueue {
    fn push(&self, header: &ToBroker, payload: &[u8]) -> Enqueued {
        let frame = encode_frame(header, payload);
        let bytes = frame.len();
        self.frames.push(frame).map(|()| bytes)
    }
}

/// The connection, owned by its task.
struct LocalConnection {
    endpoint: Arc<BackplaneEndpoint<LocalSendQueue>>,
    identity: Identity,
    authority: String,
    deliver: mpsc::Sender<Inbound>,
    queue: bounded_queue::BoundedReceiver<Bytes>,
    leave: CancellationToken,
}

impl LocalConnection {
    async fn keep_connected(mut self) {
        let mut backoff = Backoff::new();
        while !self.leave.is_cancelled() {
            let began = Instant::now();
            let joined = self.connect_once().await;
            self.endpoint.mark_disconnected();
            self.queue.clear();
            match joined {
                Ok(()) => backoff.record_disconnect(began.elapsed()),
                Err(error) => tracing::warn!(broker = self.authority, %error, "no backplane"),
            }
            let leave = self.leave.clone();
            leave.run_until_cancelled(backoff.wait()).await;
        }
    }

    /// `Ok` when the connection stood and then broke.
    async fn connect_once(&mut self) -> io::Result<()> {
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.authority)).await??;
        let (mut reader, mut writer) = local_protocol::framed(stream)?;
        self.send_hello(&mut writer).await?;
        let length = match read_handshake_frame(&mut reader).await? {
            FromBroker::Welcome { lease_ms } => Duration::from_millis(lease_ms),
            FromBroker::Rejected { reason } => return Err(io::Error::other(reason)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let FromBroker::View(view) = read_handshake_frame(&mut reader).await? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        tracing::info!(version = view.version, "joined the backplane");
        if self.endpoint.last_view().version > 0 {
            self.endpoint.traffic.count_reconnect();
        }
        // What was subscribed to before this line is in the set, what comes after
        // goes through the queue; what falls between is in both, which is harmless.
        self.endpoint.apply_view(view);
        self.endpoint.resubscribe.notify_one();
        let standing = ActiveConnection {
            endpoint: &self.endpoint,
            lease_duration: length,
            lease: Lease::new(length),
            pong_due: Notify::new(),
        };
        let ended = tokio::select! {
            ended = standing.write_all(&mut self.queue, &mut writer, &self.leave) => ended,
            ended = standing.read_all(&self.deliver, &mut reader) => ended,
        };
        if self.leave.is_cancelled() {
            // A connection that is dropped with something unread takes what was sent
            // last with it: the broker closes it when it has read all.
            let _ = timeout(CLOSE_TIMEOUT, standing.read_all(&self.deliver, &mut reader)).await;
        }
        tracing::warn!(?ended, "left the backplane");
        Ok(())
    }

    async fn send_hello(&self, writer: &mut FrameWriter) -> io::Result<()> {
        let Identity {
            id,
            incarnation: boot,
            address,
            role,
        } = self.identity.clone();
        let hello = ToBroker::Hello {
            protocol: PROTOCOL_VERSION,
            id,
            incarnation: boot,
            address,
            role,
            last_version: self.endpoint.last_view().version,
        };
        writer.send(encode_frame(&hello, &[])).await
    }
}

/// One of the first frames.
async fn read_handshake_frame(reader: &mut FrameReader) -> io::Result<FromBroker> {
    let frame = timeout(CONNECT_TIMEOUT, reader.next()).await?;
    let header = frame
        .transpose()?
        .and_then(|frame| decode_frame(&frame.freeze()));
    let (header, _) = header.ok_or(io::ErrorKind::InvalidData)?;
    Ok(header)
}

/// A connection that stands.
struct ActiveConnection<'l> {
    endpoint: &'l BackplaneEndpoint<LocalSendQueue>,
    /// How long either end may be silent. The broker pings several times in it.
    lease_duration: Duration,
    lease: Lease,
    /// A ping waits for its answer.
    pong_due: Notify,
}

impl ActiveConnection<'_> {
    async fn write_all(
        &self,
        queue: &mut bounded_queue::BoundedReceiver<Bytes>,
        writer: &mut FrameWriter,
        leave: &CancellationToken,
    ) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                // Subscriptions that were missed come before what is sent after them.
                biased;
                () = self.endpoint.resubscribe.notified() => batch.extend(self.subscriptions()),
                () = self.pong_due.notified() => {
                    let pong = encode_frame(&ToBroker::Pong, &[]);
                    self.endpoint.traffic.count_sent(MessageKind::Control, pong.len());
                    batch.push(pong);
                }
                taken = queue.recv_many(&mut batch, BATCH) => if taken == 0 { return Ok(()) },
                // Nothing waits any more.
                () = leave.cancelled() => return SinkExt::<Bytes>::close(writer).await,
            }
            self.lease.check().map_err(io::Error::other)?;
            let said = Instant::now();
            local_protocol::write_batch(writer, batch.drain(..)).await?;
            self.lease.renew(said);
        }
    }

    fn subscriptions(&self) -> impl Iterator<Item = Bytes> {
        let topics = self.endpoint.topics().into_iter();
        topics.map(|topic| encode_frame(&ToBroker::Subscribe { topic }, &[]))
    }

    async fn read_all(
        &self,
        deliver: &mpsc::Sender<Inbound>,
        reader: &mut FrameReader,
    ) -> io::Result<()> {
        while let Some(frame) = self.next_frame(reader).await? {
            self.lease.check().map_err(io::Error::other)?;
            if let Some(inbound) = self.decode(&frame)?
                && deliver.send(inbound).await.is_err()
            {
                break;
            }
        }
        Ok(())
    }

    /// The next frame; an error when the broker says nothing for too long: it hangs, or
    /// the way to it is cut.
    async fn next_frame(&self, reader: &mut FrameReader) -> io::Result<Option<Bytes>> {
        match timeout(self.lease_duration, reader.next()).await {
            Ok(frame) => Ok(frame.transpose()?.map(BytesMut::freeze)),
            Err(_) => {
                let silent = format!(
                    "no sign of life from the broker for {:?}",
                    self.lease_duration
                );
                Err(io::Error::new(io::ErrorKind::TimedOut, silent))
            }
        }
    }

    fn decode(&self, frame: &Bytes) -> io::Result<Option<Inbound>> {
        let (header, payload) = decode_frame(frame).ok_or(io::ErrorKind::InvalidData)?;
        let (kind, inbound) = match header {
            FromBroker::Ping => {
                self.pong_due.notify_one();
                (MessageKind::Control, None)
            }
            FromBroker::View(view) => {
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
