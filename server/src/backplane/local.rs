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
    Backplane, Identity, Inbound, Kind, Member,
    endpoint::{Endpoint, Pushed, Road},
    envelope::{Envelope, open, seal},
    lease::Lease,
};
use crate::{
    backoff::Backoff,
    bounded_queue,
    broker::protocol::{self, FromBroker, PROTOCOL, Reader, ToBroker, Writer},
    id::Topic,
};

/// Frames that may wait for the connection; more are refused.
const OUTGOING: usize = 8192;
/// Bytes that may wait for the connection; more are refused.
const OUTGOING_BYTES: usize = 16 * 1024 * 1024;
/// Frames written with one flush.
const BATCH: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the broker may take to read what was sent last.
const FAREWELL: Duration = Duration::from_secs(2);

/// Starts the connection's task and returns at once.
pub(super) fn join(
    authority: &str,
    identity: Identity,
    deliver: mpsc::Sender<Inbound>,
    leave: CancellationToken,
) -> (Arc<dyn Backplane>, JoinHandle<()>) {
    let (outgoing, queue) = bounded_queue::channel(OUTGOING, OUTGOING_BYTES);
    let endpoint = Arc::new(Endpoint::new(identity.id.clone(), ToSwitch { outgoing }));
    let link = Link {
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
struct ToSwitch {
    outgoing: bounded_queue::Sender<Bytes>,
}

impl Road for ToSwitch {
    fn unicast(&self, to: &Member, envelope: &Envelope, payload: &[u8]) -> Pushed {
        let to = ToBroker::Unicast {
            to: to.id.clone(),
            joined: to.joined,
        };
        self.push(&to, &seal(envelope, payload))
    }

    fn publish(&self, topic: &Topic, payload: &[u8]) -> Pushed {
        let topic = topic.clone();
        self.push(&ToBroker::Publish { topic }, payload)
    }

    fn subscribe(&self, topic: &Topic) -> Pushed {
        let topic = topic.clone();
        self.push(&ToBroker::Subscribe { topic }, &[])
    }

    fn unsubscribe(&self, topic: &Topic) -> Pushed {
        let topic = topic.clone();
        self.push(&ToBroker::Unsubscribe { topic }, &[])
    }
}

impl ToSwitch {
    fn push(&self, header: &ToBroker, payload: &[u8]) -> Pushed {
        let frame = seal(header, payload);
        let bytes = frame.len();
        self.outgoing.push(frame).map(|()| bytes)
    }
}

/// The connection, owned by its task.
struct Link {
    endpoint: Arc<Endpoint<ToSwitch>>,
    identity: Identity,
    authority: String,
    deliver: mpsc::Sender<Inbound>,
    queue: bounded_queue::Receiver<Bytes>,
    leave: CancellationToken,
}

impl Link {
    async fn keep_connected(mut self) {
        let mut backoff = Backoff::new();
        while !self.leave.is_cancelled() {
            let began = Instant::now();
            let joined = self.connect_once().await;
            self.endpoint.disconnected();
            self.queue.clear();
            match joined {
                Ok(()) => backoff.ended(began.elapsed()),
                Err(error) => tracing::warn!(broker = self.authority, %error, "no backplane"),
            }
            let leave = self.leave.clone();
            leave.run_until_cancelled(backoff.wait()).await;
        }
    }

    /// `Ok` when the connection stood and then broke.
    async fn connect_once(&mut self) -> io::Result<()> {
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.authority)).await??;
        let (mut reader, mut writer) = protocol::frames(stream)?;
        self.introduce(&mut writer).await?;
        let length = match first(&mut reader).await? {
            FromBroker::Welcome { lease_ms } => Duration::from_millis(lease_ms),
            FromBroker::Refused { reason } => return Err(io::Error::other(reason)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let FromBroker::View(view) = first(&mut reader).await? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        tracing::info!(version = view.version, "joined the backplane");
        if self.endpoint.last_view().version > 0 {
            self.endpoint.traffic.count_reconnect();
        }
        // What was subscribed to before this line is in the set, what comes after
        // goes through the queue; what falls between is in both, which is harmless.
        self.endpoint.adopt(view);
        self.endpoint.missed.notify_one();
        let standing = Standing {
            endpoint: &self.endpoint,
            length,
            lease: Lease::new(length),
            pong: Notify::new(),
        };
        let ended = tokio::select! {
            ended = standing.write_all(&mut self.queue, &mut writer, &self.leave) => ended,
            ended = standing.read_all(&self.deliver, &mut reader) => ended,
        };
        if self.leave.is_cancelled() {
            // A connection that is dropped with something unread takes what was sent
            // last with it: the broker closes it when it has read all.
            let _ = timeout(FAREWELL, standing.read_all(&self.deliver, &mut reader)).await;
        }
        tracing::warn!(?ended, "left the backplane");
        Ok(())
    }

    async fn introduce(&self, writer: &mut Writer) -> io::Result<()> {
        let Identity {
            id,
            boot,
            address,
            role,
        } = self.identity.clone();
        let hello = ToBroker::Hello {
            protocol: PROTOCOL,
            id,
            boot,
            address,
            role,
            last_version: self.endpoint.last_view().version,
        };
        writer.send(seal(&hello, &[])).await
    }
}

/// One of the first frames.
async fn first(reader: &mut Reader) -> io::Result<FromBroker> {
    let frame = timeout(CONNECT_TIMEOUT, reader.next()).await?;
    let header = frame.transpose()?.and_then(|frame| open(&frame.freeze()));
    let (header, _) = header.ok_or(io::ErrorKind::InvalidData)?;
    Ok(header)
}

/// A connection that stands.
struct Standing<'l> {
    endpoint: &'l Endpoint<ToSwitch>,
    /// How long either end may be silent. The broker pings several times in it.
    length: Duration,
    lease: Lease,
    /// A ping waits for its answer.
    pong: Notify,
}

impl Standing<'_> {
    async fn write_all(
        &self,
        queue: &mut bounded_queue::Receiver<Bytes>,
        writer: &mut Writer,
        leave: &CancellationToken,
    ) -> io::Result<()> {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                // Subscriptions that were missed come before what is sent after them.
                biased;
                () = self.endpoint.missed.notified() => batch.extend(self.subscriptions()),
                () = self.pong.notified() => {
                    let pong = seal(&ToBroker::Pong, &[]);
                    self.endpoint.traffic.count_sent(Kind::Control, pong.len());
                    batch.push(pong);
                }
                taken = queue.recv_many(&mut batch, BATCH) => if taken == 0 { return Ok(()) },
                // Nothing waits any more.
                () = leave.cancelled() => return SinkExt::<Bytes>::close(writer).await,
            }
            self.lease.check().map_err(io::Error::other)?;
            let said = Instant::now();
            protocol::write_batch(writer, batch.drain(..)).await?;
            self.lease.renew(said);
        }
    }

    fn subscriptions(&self) -> impl Iterator<Item = Bytes> {
        let topics = self.endpoint.topics().into_iter();
        topics.map(|topic| seal(&ToBroker::Subscribe { topic }, &[]))
    }

    async fn read_all(
        &self,
        deliver: &mpsc::Sender<Inbound>,
        reader: &mut Reader,
    ) -> io::Result<()> {
        while let Some(frame) = self.next(reader).await? {
            self.lease.check().map_err(io::Error::other)?;
            if let Some(inbound) = self.understand(&frame)?
                && deliver.send(inbound).await.is_err()
            {
                break;
            }
        }
        Ok(())
    }

    /// The next frame; an error when the broker says nothing for too long: it hangs, or
    /// the way to it is cut.
    async fn next(&self, reader: &mut Reader) -> io::Result<Option<Bytes>> {
        match timeout(self.length, reader.next()).await {
            Ok(frame) => Ok(frame.transpose()?.map(BytesMut::freeze)),
            Err(_) => {
                let silent = format!("no sign of life from the broker for {:?}", self.length);
                Err(io::Error::new(io::ErrorKind::TimedOut, silent))
            }
        }
    }

    fn understand(&self, frame: &Bytes) -> io::Result<Option<Inbound>> {
        let (header, payload) = open(frame).ok_or(io::ErrorKind::InvalidData)?;
        let (kind, inbound) = match header {
            FromBroker::Ping => {
                self.pong.notify_one();
                (Kind::Control, None)
            }
            FromBroker::View(view) => {
                self.endpoint.adopt(view);
                (Kind::Control, None)
            }
            FromBroker::Refused { reason } => return Err(io::Error::other(reason)),
            FromBroker::Welcome { .. } => return Err(io::ErrorKind::InvalidData.into()),
            FromBroker::Unicast { from } => {
                let (envelope, payload) = open(&payload).ok_or(io::ErrorKind::InvalidData)?;
                let inbound = self.endpoint.arrived(from, envelope, payload);
                (Kind::Unicast, inbound)
            }
            FromBroker::Published { topic } => {
                (Kind::Topic, Some(Inbound::Published { topic, payload }))
            }
        };
        self.endpoint.traffic.count_received(kind, frame.len());
        Ok(inbound)
    }
}
