//! The state of one session.

use std::sync::Arc;

use bytes::Bytes;
use highwater_stomp::{Command, Decoder, Frame, HEART_BEAT, HeartBeat, Version, header};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Semaphore;

use super::{
    error::StompError,
    handshake::StompHandshake,
    message::{encode_message, to_websocket},
    relay_link::RelayLink,
    subscription::{StompSubscription, SubscribedSource, UnackedMessage},
    transactions::Transactions,
};
use crate::{
    auth::DevicePatterns,
    id::DeviceId,
    limits::{NodeLimits, StompLimits},
    message::TopicMessage,
    net::ws::{close::CloseReason, encode},
    session::{
        Session,
        protocol::{Liveness, SocketProtocol},
        session::whole_seconds,
    },
};

/// The intervals of silence after which the client counts as lost. Its heart-beats may be late.
const MISSED_INTERVALS: u32 = 2;
/// The part of the idle timeout after which a client without heart-beats is pinged.
const PINGS_PER_IDLE_TIMEOUT: u32 = 3;

/// The protocol of a session. Its connection, the topics, the queues and the wheel share it.
pub(crate) struct StompState {
    /// Held while frames of the client are handled, so that they keep their order. Taken before
    /// every other lock.
    pub(super) handling: Mutex<()>,
    // Held for one operation, and never while a topic, a queue or a write queue is used.
    inner: Mutex<StompInner>,
    /// A permit for each request that is in flight.
    pub(super) requests: Arc<Semaphore>,
    max_requests: u32,
}

pub(super) struct StompInner {
    pub(super) decoder: Decoder,
    pub(super) phase: StompPhase,
    pub(super) version: Version,
    pub(super) identity: Identity,
    pub(super) liveness: HeartBeats,
    /// The heart-beats that the client offers and asks for.
    pub(super) heart_beat: HeartBeat,
    pub(super) subscriptions: Vec<StompSubscription>,
    pub(super) unacked: Vec<UnackedMessage>,
    pub(super) transactions: Transactions,
    /// The way to a broker of others; `None` with the simple broker.
    // Boxed, because sessions of the simple broker pay for its size too.
    pub(super) relay: Option<Box<RelayLink>>,
    /// Whether the session counts as open in the metrics.
    pub(super) is_counted: bool,
    next_number: u64,
    frame_rate: FrameCount,
}

/// The phase of a session. Phases only go forward.
pub(super) enum StompPhase {
    /// The client has until the second to send CONNECT.
    Opened {
        handshake: Box<StompHandshake>,
        connect_by: u32,
    },
    /// The connection to a broker of others opens. Frames wait in the decoder.
    Connecting,
    Connected,
    /// The session ends. Frames are not handled any more.
    Closed,
}

/// The client, once it has connected.
#[derive(Default)]
pub(super) struct Identity {
    pub(super) user: Box<str>,
    /// The devices that the client may send requests for; `None` is all of them.
    pub(super) devices: Option<Box<DevicePatterns>>,
}

/// The heart-beats of a session in seconds of the wheel; 0 stands for none.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct HeartBeats {
    /// The interval of the node's heart-beats.
    pub(super) send_s: u32,
    /// The second of the next one.
    pub(super) next_s: u32,
    /// The interval of the client's heart-beats.
    pub(super) receive_s: u32,
    /// The second at which the token expires.
    pub(super) expires_s: u32,
}

/// The frames of one second.
#[derive(Default)]
struct FrameCount {
    second: u32,
    frames: u16,
}

/// The parts of a session that end with it.
pub(super) struct Closing {
    pub(super) subscriptions: Vec<StompSubscription>,
    /// Dropping them returns the messages to their queues.
    pub(super) unacked: Vec<UnackedMessage>,
    /// Dropping it ends the connection to the broker.
    pub(super) relay: Option<Box<RelayLink>>,
}

impl StompState {
    /// Creates the state of a socket that has just opened.
    pub(crate) fn new(handshake: StompHandshake, now: u32, limits: &StompLimits) -> Self {
        let max_requests = limits.in_flight.max(1);
        Self {
            handling: Mutex::default(),
            inner: Mutex::new(StompInner {
                decoder: Decoder::new(limits.into()),
                phase: StompPhase::Opened {
                    handshake: Box::new(handshake),
                    connect_by: now.saturating_add(whole_seconds(limits.connect_timeout)),
                },
                version: Version::V1_2,
                identity: Identity::default(),
                liveness: HeartBeats::default(),
                heart_beat: HeartBeat::default(),
                subscriptions: Vec::new(),
                unacked: Vec::new(),
                transactions: Transactions::default(),
                relay: None,
                is_counted: false,
                next_number: 1,
                frame_rate: FrameCount::default(),
            }),
            requests: Arc::new(Semaphore::new(max_requests as usize)),
            max_requests,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, StompInner> {
        self.inner.lock()
    }

    /// Queues a frame for the client. A frame that its version cannot express is dropped: it
    /// would contain a header of a client of another version.
    pub(super) fn send(&self, session: &Session, frame: &Frame, limits: &NodeLimits) {
        let version = self.inner.lock().version;
        if let Some(bytes) = to_websocket(frame, version) {
            // A full queue closes the socket by itself.
            let _ = session.write_queue.push(bytes, limits);
        }
    }

    /// Queues the receipt of a frame, if the client asked for one.
    pub(super) fn send_receipt(
        &self,
        session: &Session,
        receipt: Option<&str>,
        limits: &NodeLimits,
    ) {
        if let Some(receipt) = receipt {
            let frame = Frame::new(Command::Receipt).with(header::RECEIPT_ID, receipt);
            self.send(session, &frame, limits);
        }
    }

    /// Ends the session with an ERROR and a close.
    pub(super) fn fail(
        &self,
        session: &Session,
        error: &StompError,
        receipt: Option<&str>,
        limits: &NodeLimits,
    ) {
        self.inner.lock().phase = StompPhase::Closed;
        tracing::debug!(session = %session.device, %error, "a STOMP session ends");
        self.send(session, &error.to_frame(receipt), limits);
        session.write_queue.close(error.close);
    }

    /// Waits until no request is in flight.
    pub(super) async fn wait_requests(&self) {
        // Fails only if the semaphore is closed, which it never is.
        let _ = self.requests.acquire_many(self.max_requests).await;
    }

    /// Ends everything that the session has in the cluster. Idempotent.
    pub(super) fn close(&self) -> Closing {
        let mut inner = self.inner.lock();
        inner.phase = StompPhase::Closed;
        inner.transactions = Transactions::default();
        Closing {
            subscriptions: std::mem::take(&mut inner.subscriptions),
            unacked: std::mem::take(&mut inner.unacked),
            relay: inner.relay.take(),
        }
    }
}

impl StompInner {
    /// Returns a number that is new in this session.
    pub(super) fn next_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// Counts a frame in second `now`. Returns whether the second has had no more than `limit`.
    pub(super) fn count_frame(&mut self, now: u32, limit: u16) -> bool {
        let count = &mut self.frame_rate;
        if count.second != now {
            *count = FrameCount {
                second: now,
                frames: 0,
            };
        }
        count.frames = count.frames.saturating_add(1);
        // The highest limit allows any rate.
        count.frames <= limit || limit == u16::MAX
    }

    pub(super) fn subscription(&self, key: u64) -> Option<&StompSubscription> {
        self.subscriptions.iter().find(|s| s.key == key)
    }
}

impl SocketProtocol for StompState {
    fn encode(&self, message: &TopicMessage) -> Option<Bytes> {
        let mut inner = self.inner.lock();
        let mut frames: Option<Bytes> = None;
        for at in 0..inner.subscriptions.len() {
            let subscribes = matches!(
                &inner.subscriptions[at].source,
                SubscribedSource::Topic(topic) if *topic == message.topic
            );
            if !subscribes {
                continue;
            }
            let number = inner.next_number();
            let subscription = &inner.subscriptions[at];
            // Nothing remembers a topic's message, so its acknowledgement changes nothing.
            let id = format!("n{number}");
            let (headers, body) = (&message.headers, message.body.clone());
            let frame = encode_message(subscription, &id, headers, body, false, inner.version);
            let Some(frame) = frame else {
                continue;
            };
            frames = Some(match frames {
                None => frame,
                Some(before) => [before, frame].concat().into(),
            });
        }
        frames
    }

    fn goaway(&self) -> Bytes {
        let leave = StompError::new(CloseReason::Drain, "this node asks its clients to leave");
        let version = self.inner.lock().version;
        // Every version has a form for these characters.
        to_websocket(&leave.to_frame(None), version).unwrap_or_default()
    }

    fn is_busy(&self) -> bool {
        self.requests.available_permits() < self.max_requests as usize
    }

    fn check_liveness(&self, last_seen: u32, now: u32, limits: &NodeLimits) -> Liveness {
        let mut inner = self.inner.lock();
        match inner.check_liveness(last_seen, now, limits) {
            Ok(LivenessCheck { next, push }) => Liveness::Alive { next, frame: push },
            Err(error) => {
                inner.phase = StompPhase::Closed;
                Liveness::Ended {
                    reason: error.close,
                    frame: to_websocket(&error.to_frame(None), inner.version),
                }
            }
        }
    }
}

/// The result of a check: the second of the next one, and a frame for the client.
struct LivenessCheck {
    next: u32,
    push: Option<Bytes>,
}

impl StompInner {
    fn check_liveness(
        &mut self,
        last_seen: u32,
        now: u32,
        limits: &NodeLimits,
    ) -> Result<LivenessCheck, StompError> {
        if let StompPhase::Opened { connect_by, .. } = &self.phase {
            return match now < *connect_by {
                // Each second, so that the heart-beats begin in time.
                true => Ok(LivenessCheck {
                    next: now + 1,
                    push: None,
                }),
                false => Err(StompError::new(
                    CloseReason::Idle,
                    format!(
                        "no CONNECT within {} s",
                        whole_seconds(limits.stomp.connect_timeout)
                    ),
                )),
            };
        }
        let liveness = &mut self.liveness;
        if liveness.expires_s > 0 && liveness.expires_s <= now {
            return Err(StompError::new(
                CloseReason::Expired,
                "the token has expired",
            ));
        }
        let timeout = match liveness.receive_s {
            0 => whole_seconds(limits.idle_timeout),
            // One more, because the wheel counts whole seconds.
            receive_s => receive_s.saturating_mul(MISSED_INTERVALS) + 1,
        };
        let due = last_seen.saturating_add(timeout);
        if due <= now {
            let message = format!("nothing was received for {timeout} s");
            return Err(StompError::new(CloseReason::Idle, message));
        }
        let mut check = LivenessCheck {
            next: due,
            push: None,
        };
        if liveness.receive_s == 0 {
            check.ping(last_seen, now, (timeout / PINGS_PER_IDLE_TIMEOUT).max(1));
        }
        if liveness.send_s > 0 {
            if liveness.next_s <= now {
                // A second early, for the same reason.
                liveness.next_s = now + liveness.send_s.saturating_sub(1).max(1);
                check.push = Some(encode::text(HEART_BEAT));
            }
            check.next = check.next.min(liveness.next_s);
        }
        if liveness.expires_s > 0 {
            check.next = check.next.min(liveness.expires_s);
        }
        Ok(check)
    }
}

impl LivenessCheck {
    /// Pings a client without heart-beats that has been silent for an interval. A WebSocket
    /// client answers pings by itself.
    fn ping(&mut self, last_seen: u32, now: u32, interval: u32) {
        let due = last_seen.saturating_add(interval);
        self.next = self.next.min(match due <= now {
            true => {
                self.push = Some(encode::ping());
                now + interval
            }
            false => due,
        });
    }
}

/// Returns the name of a new session.
pub(crate) fn session_name() -> DeviceId {
    let name = format!("stomp-{:016x}", rand::random::<u64>());
    match name.parse() {
        Ok(name) => name,
        Err(error) => unreachable!("hexadecimal digits are valid in a name: {error}"),
    }
}
