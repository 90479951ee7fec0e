//! The state of one connected device.

use std::sync::{
    Arc,
    atomic::{
        AtomicBool, AtomicU32, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;

use super::{
    frame,
    pending_commands::{CommandReplyTo, PendingCommands},
    protocol::{Liveness, SocketProtocol},
    rate_window::{RateWindow, try_increment},
    subscription::{SubscriptionSlot, TopicSubscription},
    write_queue::WriteQueue,
};
use crate::{
    id::{DeviceId, Topic},
    limits::NodeLimits,
    message::Epoch,
    net::ws::{close::CloseReason, encode},
};

/// A connected device. Its connection, the registry, the wheel and all senders share it.
///
/// Times are seconds of the [timing wheel](super::wheel); 0 stands for "never". Single fields are atomic rather
/// than behind the lock, because the connection and the wheel touch them for each read
/// and each second.
pub(crate) struct Session {
    /// The device; for a socket of another protocol, a name that the node made.
    pub(crate) device: DeviceId,
    /// The protocol; `None` is that of devices.
    pub(crate) protocol: Option<Arc<dyn SocketProtocol>>,
    pub(crate) write_queue: WriteQueue,
    /// The highest epoch that the directory assigned; 0 until the first.
    epoch: AtomicU64,
    /// The highest epoch that the directory has replaced.
    superseded_epoch: AtomicU64,
    /// The second of the last bytes from the device.
    last_seen: AtomicU32,
    /// The second since which the device reads nothing; 0 while nothing waits.
    blocked_since: AtomicU32,
    /// Whether the wheel has a write timer of this session.
    write_timer_armed: AtomicBool,
    /// The bucket that counts the socket for its client's address.
    pub(crate) address_bucket: u16,
    closing_since: AtomicU32,
    /// The second at which the token expires; 0 without a token.
    pub(crate) token_expires: u32,
    /// The second at which the socket reaches its maximum age; 0 without one.
    pub(crate) max_age_at: u32,
    /// Telemetry records that have no answer yet.
    telemetry_in_flight: AtomicU32,
    inner: Mutex<SessionInner>,
}

#[derive(Default)]
struct SessionInner {
    pending: PendingCommands,
    topics: Vec<TopicSubscription>,
    rate_window: RateWindow,
}

/// A deadline that a device may miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The device must send something within the idle timeout.
    Idle,
    /// The device must read something within the write timeout.
    Write,
    /// The close handshake must end within the close timeout.
    Close,
}

/// The reason why a device cannot get a command.
#[derive(Debug)]
pub(crate) enum CommandRejected {
    /// The limit of waiting commands is reached.
    Busy(CommandReplyTo),
    /// The device's socket is closing.
    Closing(CommandReplyTo),
}

impl Session {
    pub(crate) fn new(device: DeviceId, now: u32) -> Self {
        Self {
            device,
            protocol: None,
            write_queue: WriteQueue::default(),
            epoch: AtomicU64::new(0),
            superseded_epoch: AtomicU64::new(0),
            // The upgrade counts as activity: the idle timeout starts here.
            last_seen: AtomicU32::new(now),
            blocked_since: AtomicU32::new(0),
            write_timer_armed: AtomicBool::new(false),
            address_bucket: 0,
            closing_since: AtomicU32::new(0),
            token_expires: 0,
            max_age_at: 0,
            telemetry_in_flight: AtomicU32::new(0),
            inner: Mutex::default(),
        }
    }

    /// Whether the socket has not begun to close. A closing one takes no command.
    pub(crate) fn is_open(&self) -> bool {
        self.write_queue.close_reason().is_none()
    }

    /// Records that the device sent something.
    pub(crate) fn record_activity(&self, now: u32) {
        self.last_seen.store(now, Relaxed);
    }

    /// Records that writing waits for the device. `has_read`: whether the device has just read
    /// something. Returns whether the write timer must be armed. It is armed once and then lasts
    /// as long as the session: a slow device blocks and continues many times a second.
    pub(crate) fn record_write_blocked(&self, now: u32, has_read: bool) -> bool {
        let now = now.max(1);
        if has_read {
            self.blocked_since.store(now, Relaxed);
        } else {
            // Keeps the first second of the block.
            let since = &self.blocked_since;
            let _ = since.compare_exchange(0, now, Relaxed, Relaxed);
        }
        !self.write_timer_armed.swap(true, Relaxed)
    }

    /// Notes that nothing waits to be written.
    pub(crate) fn clear_write_blocked(&self) {
        self.blocked_since.store(0, Relaxed);
    }

    /// Notes that the close handshake has begun. Returns whether that is new.
    pub(crate) fn begin_close(&self, now: u32) -> bool {
        self.closing_since
            .compare_exchange(0, now.max(1), Relaxed, Relaxed)
            .is_ok()
    }

    /// Closes the session if the timer is due, or returns the second at which to check it
    /// again.
    pub(super) fn check_timer(&self, timer: Timer, now: u32, limits: &NodeLimits) -> Option<u32> {
        let (since, timeout) = match timer {
            Timer::Idle => (self.last_seen.load(Relaxed), limits.idle_timeout),
            Timer::Write => (self.blocked_since.load(Relaxed), limits.write_timeout),
            Timer::Close => (self.closing_since.load(Relaxed), limits.close_timeout),
        };
        let since = match (since, timer) {
            // The timer is armed after `begin_close` only.
            (0, Timer::Close) => return None,
            // The earliest that it can be due: the device blocks from now on.
            (0, Timer::Write) => now,
            _ => since,
        };
        let due = since.saturating_add(whole_seconds(timeout));
        let end = match timer {
            Timer::Idle => self.check_end_of_life(now, limits)?,
            Timer::Write | Timer::Close => u32::MAX,
        };
        if let (Timer::Idle, Some(protocol)) = (timer, &self.protocol) {
            let next = self.apply(protocol.check_liveness(since, now, limits), limits)?;
            return Some(next.min(end));
        }
        if due > now {
            let next_ping = match timer {
                Timer::Idle => self.ping_if_silent(since, now, limits),
                Timer::Write | Timer::Close => u32::MAX,
            };
            return Some(due.min(end).min(next_ping));
        }
        match timer {
            Timer::Idle => {
                self.write_queue.close(CloseReason::Idle);
            }
            // No close frame: the device would not read it either.
            Timer::Write => self.write_queue.abort(CloseReason::SlowConsumer),
            // The device has had its time to answer the close frame.
            Timer::Close => self.write_queue.abort(CloseReason::ConnectionLost),
        }
        None
    }

    /// Applies the check of a protocol. Returns the second of the next one.
    fn apply(&self, liveness: Liveness, limits: &NodeLimits) -> Option<u32> {
        let (Liveness::Alive { frame, .. } | Liveness::Ended { frame, .. }) = &liveness;
        if let Some(frame) = frame {
            // A session that rejects the frame is closing already.
            let _ = self.write_queue.push(frame.clone(), limits);
        }
        match liveness {
            Liveness::Alive { next, .. } => Some(next),
            Liveness::Ended { reason, .. } => {
                self.write_queue.close(reason);
                None
            }
        }
    }

    /// Sends a ping if the device has been silent since second `since` for at least the ping
    /// interval. Returns the second of the next check.
    ///
    /// The idle timer does it, so that pings cost no socket a timer or a byte.
    fn ping_if_silent(&self, since: u32, now: u32, limits: &NodeLimits) -> u32 {
        let Some(interval) = limits.ping_interval.map(whole_seconds) else {
            return u32::MAX;
        };
        let due = since.saturating_add(interval);
        if due > now {
            return due;
        }
        // A session that rejects the frame is closing already.
        let _ = self.write_queue.push(encode::ping(), limits);
        now.saturating_add(interval.max(1))
    }

    /// Closes a socket whose token has expired or that has reached its maximum age, and
    /// returns `None`; otherwise returns the second at which to check again.
    ///
    /// Both use the idle timer: timers of their own would cost each socket two more
    /// entries in the wheel.
    fn check_end_of_life(&self, now: u32, limits: &NodeLimits) -> Option<u32> {
        let second = |end: u32| if end == 0 { u32::MAX } else { end };
        let (expires, retires) = (second(self.token_expires), second(self.max_age_at));
        if expires <= now {
            self.write_queue.close(CloseReason::Expired);
            return None;
        }
        if retires > now {
            return Some(expires.min(retires));
        }
        // The command or record in flight gets its outcome first.
        if self.is_busy(now) {
            return Some(expires.min(now + 1));
        }
        self.push_goaway(&frame::goaway(limits.drain_reconnect_window), limits);
        self.write_queue.close(CloseReason::MaxAge);
        None
    }

    /// Queues the frame that asks the client to connect elsewhere: `goaway` for a device, and
    /// that of its protocol for another client. Returns whether it was queued.
    pub(crate) fn push_goaway(&self, goaway: &Bytes, limits: &NodeLimits) -> bool {
        let frame = match &self.protocol {
            None => goaway.clone(),
            Some(protocol) => protocol.goaway(),
        };
        // A session that rejects the frame is closing already.
        self.write_queue.push(frame, limits).is_ok()
    }

    /// Returns the directory's epoch of this connection; `None` until it is registered.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        Epoch::from_raw(self.epoch.load(Relaxed))
    }

    /// Notes the epoch that the directory assigned. If the directory has replaced that one
    /// in the meantime, the socket closes.
    pub(crate) fn set_epoch(&self, epoch: Epoch) {
        // The greatest: a late answer to an earlier registration must not lower it.
        self.epoch.fetch_max(epoch.raw(), SeqCst);
        self.close_if_superseded();
    }

    /// Notes that the directory has replaced connections up to `epoch`. If this is one of
    /// them, the socket closes.
    pub(crate) fn mark_superseded(&self, epoch: Epoch) {
        self.superseded_epoch.fetch_max(epoch.raw(), SeqCst);
        self.close_if_superseded();
    }

    fn close_if_superseded(&self) {
        // Sequentially consistent: of two tasks that each write one of the two epochs,
        // at least one sees both.
        let epoch = self.epoch.load(SeqCst);
        if epoch != 0 && epoch <= self.superseded_epoch.load(SeqCst) {
            self.write_queue.close(CloseReason::Replaced);
        }
    }

    /// Queues the frame of a command and notes who gets the reply. `times` is now and the
    /// second at which the caller stops waiting.
    pub(crate) fn enqueue_command(
        &self,
        id: u64,
        frame: Bytes,
        reply_to: CommandReplyTo,
        times: (u32, u32),
        limits: &NodeLimits,
    ) -> Result<(), CommandRejected> {
        // A closing session fails its commands once, so this one could wait for its deadline.
        if !self.is_open() {
            return Err(CommandRejected::Closing(reply_to));
        }
        // Before the push: the reply may come before this function returns.
        let max = limits.commands_per_device;
        let inserted = self.inner.lock().pending.insert(id, reply_to, times, max);
        inserted.map_err(CommandRejected::Busy)?;
        if self.write_queue.push(frame, limits).is_err()
            // The end of the session may have failed the command already.
            && let Some(reply_to) = self.take_reply_to(id)
        {
            return Err(CommandRejected::Closing(reply_to));
        }
        Ok(())
    }

    /// Removes a command and returns where its reply goes; `None` for a late reply.
    pub(crate) fn take_reply_to(&self, id: u64) -> Option<CommandReplyTo> {
        self.inner.lock().pending.remove(id)
    }

    /// Counts a telemetry record as in flight, unless `limit` records are. Returns whether
    /// it counted.
    pub(crate) fn try_begin_telemetry(&self, limit: u32) -> bool {
        let more = |count| (count < limit).then_some(count + 1);
        let in_flight = &self.telemetry_in_flight;
        in_flight.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// Notes that a telemetry record has its answer.
    pub(crate) fn end_telemetry(&self) {
        self.telemetry_in_flight.fetch_sub(1, Relaxed);
    }

    /// Whether a command, a telemetry record or a request of this client is in flight.
    pub(crate) fn is_busy(&self, now: u32) -> bool {
        let is_busy = |protocol: &Arc<dyn SocketProtocol>| protocol.is_busy();
        self.protocol.as_ref().is_some_and(is_busy)
            || self.telemetry_in_flight.load(Relaxed) > 0
            || self.inner.lock().pending.has_pending(now)
    }

    /// Whether the device may subscribe to a topic that is new to it: `Ok(false)` when it
    /// has subscribed already, `Err` at the limit.
    pub(crate) fn may_subscribe(&self, topic: &Topic, limit: usize) -> Result<bool, ()> {
        let topics = &self.inner.lock().topics;
        match topics.iter().any(|other| other.topic == *topic) {
            true => Ok(false),
            false if topics.len() >= limit => Err(()),
            false => Ok(true),
        }
    }

    /// Adds a subscription to a topic that is new.
    pub(crate) fn add_subscription(&self, subscription: TopicSubscription) {
        self.inner.lock().topics.push(subscription);
    }

    /// Removes the subscription to a topic and returns its slot, if there was one.
    pub(crate) fn remove_subscription(&self, topic: &Topic) -> Option<SubscriptionSlot> {
        let topics = &mut self.inner.lock().topics;
        let at = topics.iter().position(|other| other.topic == *topic)?;
        let slot = topics.swap_remove(at).slot;
        // An idle session keeps no allocation.
        if topics.is_empty() {
            *topics = Vec::new();
        }
        Some(slot)
    }

    /// Whether the device may change its topics once more in second `now`. If so, it counts.
    pub(crate) fn allow_topic_change(&self, now: u32, limit: u32) -> bool {
        let counts = &mut self.inner.lock().rate_window;
        try_increment(&mut counts.in_second(now).topic_changes, limit)
    }

    /// Whether the device may publish another message in second `now`. If so, it counts.
    pub(crate) fn allow_publish(&self, now: u32, limit: u32) -> bool {
        let counts = &mut self.inner.lock().rate_window;
        try_increment(&mut counts.in_second(now).messages, limit)
    }

    /// Removes the commands and the subscriptions that end with the session.
    pub(crate) fn take_pending(&self) -> (Vec<CommandReplyTo>, Vec<TopicSubscription>) {
        let mut inner = self.inner.lock();
        (inner.pending.drain(), std::mem::take(&mut inner.topics))
    }
}

/// Returns whole seconds, rounded up, so that no timeout fires early.
pub(crate) fn whole_seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}
