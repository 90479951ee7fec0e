//! The embedded broker's client (`local://HOST:PORT`).
//!
//! One TCP connection carries everything. It is rebuilt with backoff and full
//! jitter for as long as the node lives; after each rebuild the node introduces
//! itself and its subscriptions again.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt, future::BoxFuture};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Backplane, Identity, Inbound, Kind, MAX_PAYLOAD_BYTES, ReplyTo, RequestError, SendError,
    Traffic, View,
    envelope::{Envelope, open, seal},
    pending::Pending,
};
use crate::{
    broker::wire::{self, FromBroker, PROTOCOL, Reader, ToBroker, Writer},
    id::{NodeId, Topic},
};

/// Frames that may wait for the connection; more are refused as [`SendError::Full`].
const OUTGOING: usize = 8192;
/// Frames written with one flush.
const BATCH: usize = 256;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);

struct Local {
    identity: Identity,
    view: watch::Sender<Arc<View>>,
    outgoing: mpsc::Sender<Bytes>,
    pending: Arc<Pending>,
    topics: Mutex<HashSet<Topic>>,
    traffic: Traffic,
}

/// Starts the connection's task and returns at once.
pub(super) fn join(
    authority: &str,
    identity: Identity,
    deliver: mpsc::Sender<Inbound>,
    leave: CancellationToken,
) -> Arc<dyn Backplane> {
    let (outgoing, queue) = mpsc::channel(OUTGOING);
    let local = Arc::new(Local {
        identity,
        view: watch::Sender::new(Arc::new(View::nobody())),
        outgoing,
        pending: Arc::default(),
        topics: Mutex::default(),
        traffic: Traffic::default(),
    });
    let link = Link {
        local: Arc::clone(&local),
        authority: authority.to_owned(),
        deliver,
        queue,
    };
    tokio::spawn(async move {
        leave.run_until_cancelled(link.keep_connected()).await;
    });
    local
}

impl Backplane for Local {
    fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    fn send(&self, to: &NodeId, payload: Bytes) -> Result<(), SendError> {
        self.unicast(to, &Envelope::Message, &payload)
    }

    fn request(
        &self,
        to: &NodeId,
        payload: Bytes,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>> {
        // The wait exists before the question leaves, so no answer can be too early.
        let wait = self.pending.wait_for(to);
        let correlation = wait.correlation();
        let reply_to = ReplyTo {
            node: self.identity.id.clone(),
            correlation,
        };
        match self.unicast(to, &Envelope::Request(reply_to), &payload) {
            Ok(()) => wait.until(deadline).boxed(),
            Err(error) => std::future::ready(Err(error.into())).boxed(),
        }
    }

    fn reply(&self, to: &ReplyTo, payload: Bytes) -> Result<(), SendError> {
        let correlation = to.correlation;
        self.unicast(&to.node, &Envelope::Reply { correlation }, &payload)
    }

    fn forward(&self, request: &ReplyTo, to: &NodeId, payload: Bytes) -> Result<(), SendError> {
        self.unicast(to, &Envelope::Request(request.clone()), &payload)?;
        let correlation = request.correlation;
        let notice = Envelope::Forwarded {
            correlation,
            to: to.clone(),
        };
        // Lost, the notice costs the asking node only its early warning.
        let _ = self.unicast(&request.node, &notice, &[]);
        Ok(())
    }

    fn publish(&self, topic: &Topic, payload: Bytes) -> Result<(), SendError> {
        self.push(
            &ToBroker::Publish {
                topic: topic.clone(),
            },
            &payload,
        )
    }

    fn subscribe(&self, topic: &Topic) {
        // The set is what counts: the connection sends it whenever it is rebuilt.
        self.topics().insert(topic.clone());
        let _ = self.push(
            &ToBroker::Subscribe {
                topic: topic.clone(),
            },
            &[],
        );
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.topics().remove(topic);
        let _ = self.push(
            &ToBroker::Unsubscribe {
                topic: topic.clone(),
            },
            &[],
        );
    }

    fn traffic(&self) -> &Traffic {
        &self.traffic
    }
}

impl Local {
    fn unicast(&self, to: &NodeId, envelope: &Envelope, payload: &[u8]) -> Result<(), SendError> {
        if self.view.borrow().member(to).is_none() {
            return Err(SendError::NotMember(to.clone()));
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(SendError::TooLarge(payload.len()));
        }
        self.push(
            &ToBroker::Unicast { to: to.clone() },
            &seal(envelope, payload),
        )
    }

    fn push(&self, header: &ToBroker, payload: &[u8]) -> Result<(), SendError> {
        if payload.len() > MAX_PAYLOAD_BYTES + wire::HEADROOM_BYTES {
            return Err(SendError::TooLarge(payload.len()));
        }
        if !self.view.borrow().connected {
            return Err(SendError::Disconnected);
        }
        let frame = seal(header, payload);
        let bytes = frame.len();
        self.outgoing.try_send(frame).map_err(|_| SendError::Full)?;
        self.traffic.count_sent(kind(header), bytes);
        Ok(())
    }

    fn adopt(&self, view: View) {
        let view = Arc::new(view);
        let before = self.view.send_replace(Arc::clone(&view));
        self.pending.fail_departed(&before, &view);
    }

    /// Keeps the last members: their devices are most likely still theirs.
    fn disconnected(&self) {
        self.view.send_if_modified(|view| {
            let was = view.connected;
            Arc::make_mut(view).connected = false;
            was
        });
        self.pending.fail_all();
    }

    fn topics(&self) -> MutexGuard<'_, HashSet<Topic>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection, owned by its task.
struct Link {
    local: Arc<Local>,
    authority: String,
    deliver: mpsc::Sender<Inbound>,
    queue: mpsc::Receiver<Bytes>,
}

impl Link {
    async fn keep_connected(mut self) {
        let mut retry = FIRST_RETRY;
        loop {
            let joined = self.connect_once().await;
            self.local.disconnected();
            while self.queue.try_recv().is_ok() {}
            match joined {
                Ok(()) => retry = FIRST_RETRY,
                Err(error) => {
                    tracing::warn!(broker = self.authority, %error, "no backplane");
                    retry = (retry * 2).min(LAST_RETRY);
                }
            }
            sleep(retry.mul_f64(rand::random())).await;
        }
    }

    /// `Ok` when the connection stood and then broke.
    async fn connect_once(&mut self) -> io::Result<()> {
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.authority)).await??;
        let (mut reader, mut writer) = wire::frames(stream)?;
        self.introduce(&mut writer).await?;
        let first = timeout(CONNECT_TIMEOUT, reader.next()).await?;
        let view = match first.transpose()?.and_then(|frame| open(&frame.freeze())) {
            Some((FromBroker::View(view), _)) => view,
            Some((FromBroker::Refused { reason }, _)) => return Err(io::Error::other(reason)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        tracing::info!(version = view.version, "joined the backplane");
        self.local.adopt(view);
        // What was subscribed to before this line is in the set, what comes after
        // goes through the queue; what falls between is in both, which is harmless.
        self.subscribe_again(&mut writer).await?;
        let ended = tokio::select! {
            ended = write_all(&mut self.queue, &mut writer) => ended,
            ended = read_all(&self.local, &self.deliver, &mut reader) => ended,
        };
        tracing::warn!(?ended, "left the backplane");
        Ok(())
    }

    async fn introduce(&self, writer: &mut Writer) -> io::Result<()> {
        let Identity { id, boot, address } = self.local.identity.clone();
        let last_version = self.local.view.borrow().version;
        let hello = ToBroker::Hello {
            protocol: PROTOCOL,
            id,
            boot,
            address,
            last_version,
        };
        writer.send(seal(&hello, &[])).await
    }

    async fn subscribe_again(&self, writer: &mut Writer) -> io::Result<()> {
        let topics: Vec<Topic> = self.local.topics().iter().cloned().collect();
        let frames = topics
            .into_iter()
            .map(|topic| seal(&ToBroker::Subscribe { topic }, &[]));
        wire::write_batch(writer, frames).await
    }
}

async fn write_all(queue: &mut mpsc::Receiver<Bytes>, writer: &mut Writer) -> io::Result<()> {
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        wire::write_batch(writer, batch.drain(..)).await?;
    }
    Ok(())
}

async fn read_all(
    local: &Local,
    deliver: &mpsc::Sender<Inbound>,
    reader: &mut Reader,
) -> io::Result<()> {
    while let Some(frame) = reader.next().await {
        let frame = frame?.freeze();
        let (header, payload) = open(&frame).ok_or(io::ErrorKind::InvalidData)?;
        let (kind, inbound) = match header {
            FromBroker::Ping => {
                let _ = local.push(&ToBroker::Pong, &[]);
                (Kind::Control, None)
            }
            FromBroker::View(view) => {
                local.adopt(view);
                (Kind::Control, None)
            }
            FromBroker::Refused { reason } => return Err(io::Error::other(reason)),
            FromBroker::Unicast { from } => {
                (Kind::Unicast, unwrap_envelope(local, from, &payload)?)
            }
            FromBroker::Published { topic } => {
                (Kind::Topic, Some(Inbound::Published { topic, payload }))
            }
        };
        local.traffic.count_received(kind, frame.len());
        if let Some(inbound) = inbound
            && deliver.send(inbound).await.is_err()
        {
            break;
        }
    }
    Ok(())
}

fn kind(header: &ToBroker) -> Kind {
    match header {
        ToBroker::Unicast { .. } => Kind::Unicast,
        ToBroker::Publish { .. } => Kind::Topic,
        _ => Kind::Control,
    }
}

/// Replies end their wait here; the rest is for the node to handle.
fn unwrap_envelope(local: &Local, from: NodeId, sealed: &Bytes) -> io::Result<Option<Inbound>> {
    let (envelope, payload) = open(sealed).ok_or(io::ErrorKind::InvalidData)?;
    Ok(match envelope {
        Envelope::Message => Some(Inbound::Message { from, payload }),
        Envelope::Request(reply_to) => Some(Inbound::Request {
            from,
            reply_to,
            payload,
        }),
        Envelope::Reply { correlation } => {
            local.pending.complete(correlation, payload);
            None
        }
        Envelope::Forwarded { correlation, to } => {
            local
                .pending
                .forwarded(correlation, to, &local.view.borrow());
            None
        }
    })
}
