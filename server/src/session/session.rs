//! What the node knows of one connected device.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{
        AtomicBool, AtomicU32, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
};

use super::{
    byte_budget::ByteBudget,
    frame,
    pending_commands::{CommandReplyTo, PendingCommands},
    subscription::{SubscriptionSlot, TopicSubscription},
    timer::{Recheck, Timer},
    write_queue::WriteQueue,
};
use crate::{
    id::{DeviceId, Topic},
    limits::NodeLimits,
    message::Epoch,
    net::ws::close::CloseReason,
};

/// Shared by its task, the registry, the wheel and whoever sends to it. Times are
/// the wheel's seconds; 0 is "not".
pub(crate) struct Session {
    pub(crate) device: DeviceId,
    pub(crate) write_queue: WriteQueue,
    /// The highest epoch that the directory gave it; 0 until the first.
    epoch: AtomicU64,
    /// The highest epoch that the directory said is replaced.
    superseded_epoch: AtomicU64,
    last_seen: AtomicU32,
    blocked_since: AtomicU32,
    /// Whether the wheel looks at its writing.
    write_timer_armed: AtomicBool,
    closing_since: AtomicU32,
    /// When its token ends; 0 where it has none.
    token_expires: u32,
    /// When it has been open for long enough; 0 where nothing says so.
    max_age_at: u32,
    /// Readings that have no answer yet.
    telemetry_in_flight: AtomicU32,
    inner: Mutex<SessionInner>,
}

#[derive(Default)]
struct SessionInner {
    pending: PendingCommands,
    topics: Vec<TopicSubscription>,
    rate_window: RateWindow,
}

/// What the device has asked of other nodes in one of the wheel's seconds.
#[derive(Default)]
struct RateWindow {
    second: u32,
    messages: u16,
    topic_changes: u16,
}

/// Why a device cannot take a command.
#[derive(Debug)]
pub(crate) enum CommandRejected {
    /// Too many commands wait for it.
    Busy(CommandReplyTo),
    /// Its socket is closing.
    Closing(CommandReplyTo),
}

impl Session {
    pub(crate) fn new(device: DeviceId, now: u32) -> Self {
        Self {
            device,
            write_queue: WriteQueue::default(),
            epoch: AtomicU64::new(0),
            superseded_epoch: AtomicU64::new(0),
            last_seen: AtomicU32::new(now),
            blocked_since: AtomicU32::new(0),
            write_timer_armed: AtomicBool::new(false),
            closing_since: AtomicU32::new(0),
            token_expires: 0,
            max_age_at: 0,
            telemetry_in_flight: AtomicU32::new(0),
            inner: Mutex::default(),
        }
    }

    /// The same, whose bytes that wait count in `budget`.
    pub(crate) fn with_budget(self, budget: &Arc<ByteBudget>) -> Self {
        Self {
            write_queue: WriteQueue::with_budget(Arc::clone(budget)),
            ..self
        }
    }

    /// The same, which closes at that second.
    pub(crate) fn with_token_expiry(self, second: u32) -> Self {
        Self {
            token_expires: second.max(1),
            ..self
        }
    }

    /// The same, which is sent away from that second on, as soon as it has nothing
    /// under way.
    pub(crate) fn with_max_age(self, second: u32) -> Self {
        Self {
            max_age_at: second.max(1),
            ..self
        }
    }

    /// The device was heard.
    pub(crate) fn record_activity(&self, now: u32) {
        self.last_seen.store(now, Relaxed);
    }

    /// Writing waits for the device, which has read something just now or has not;
    /// answers whether the wheel has to look at it from now on. It does so once, and
    /// then for as long as the session lasts: a device that reads slowly blocks and
    /// goes on many times a second.
    pub(crate) fn record_write_blocked(&self, now: u32, has_read: bool) -> bool {
        let now = now.max(1);
        if has_read {
            self.blocked_since.store(now, Relaxed);
        } else {
            let _ = self
                .blocked_since
                .compare_exchange(0, now, Relaxed, Relaxed);
        }
        !self.write_timer_armed.swap(true, Relaxed)
    }

    /// Nothing waits to be written.
    pub(crate) fn clear_write_blocked(&self) {
        self.blocked_since.store(0, Relaxed);
    }

    /// The close handshake runs since then; answers whether that is new.
    pub(crate) fn begin_close(&self, now: u32) -> bool {
        self.closing_since
            .compare_exchange(0, now.max(1), Relaxed, Relaxed)
            .is_ok()
    }

    /// Acts on a timer that is due, or says when to look again.
    pub(crate) fn check_timer(&self, timer: Timer, now: u32, limits: &NodeLimits) -> Recheck {
        let (since, timeout) = match timer {
            Timer::Idle => (self.last_seen.load(Relaxed), limits.idle_timeout),
            Timer::Write => (self.blocked_since.load(Relaxed), limits.write_timeout),
            Timer::Close => (self.closing_since.load(Relaxed), limits.close_timeout),
        };
        let since = match (since, timer) {
            (0, Timer::Close) => return Recheck::Never,
            // If it blocks from now on.
            (0, Timer::Write) => now,
            _ => since,
        };
        let due = since.saturating_add(whole_seconds(timeout));
        let end = match timer {
            Timer::Idle => match self.check_end_of_life(now, limits) {
                Some(end) => end,
                None => return Recheck::Never,
            },
            Timer::Write | Timer::Close => u32::MAX,
        };
        if due > now {
            return Recheck::At(due.min(end));
        }
        match timer {
            Timer::Idle => {
                self.write_queue.close(CloseReason::Idle);
            }
            Timer::Write => self.write_queue.abort(CloseReason::SlowConsumer),
            Timer::Close => self.write_queue.abort(CloseReason::ConnectionLost),
        }
        Recheck::Never
    }

    /// Closes a socket that has come to an end known beforehand; `None` then, else
    /// the second at which to look again. Both ride on the idle timer: they cost no
    /// entries of their own.
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
        if self.is_busy(now) {
            return Some(expires.min(now + 1));
        }
        // One that cannot take it is closing already.
        let _ = self
            .write_queue
            .push(frame::goaway(limits.drain_reconnect_window), limits);
        self.write_queue.close(CloseReason::MaxAge);
        None
    }

    /// The directory's epoch for this connection.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        Epoch::from_raw(self.epoch.load(Relaxed))
    }

    /// The directory gave an epoch. If it has replaced that one in the meantime,
    /// the socket closes.
    pub(crate) fn set_epoch(&self, epoch: Epoch) {
        self.epoch.fetch_max(epoch.raw(), SeqCst);
        self.close_if_superseded();
    }

    /// The directory has a newer connection than the one of `epoch`.
    pub(crate) fn mark_superseded(&self, epoch: Epoch) {
        self.superseded_epoch.fetch_max(epoch.raw(), SeqCst);
        self.close_if_superseded();
    }

    /// In one order for all: of two who write one each, the second sees both.
    fn close_if_superseded(&self) {
        let epoch = self.epoch.load(SeqCst);
        if epoch != 0 && epoch <= self.superseded_epoch.load(SeqCst) {
            self.write_queue.close(CloseReason::Replaced);
        }
    }

    /// Queues a command's frame and remembers who waits for the reply.
    /// `times` is now and when the caller stops waiting.
    pub(crate) fn enqueue_command(
        &self,
        id: u64,
        frame: bytes::Bytes,
        reply_to: CommandReplyTo,
        times: (u32, u32),
        limits: &NodeLimits,
    ) -> Result<(), CommandRejected> {
        if self.write_queue.close_reason().is_some() {
            return Err(CommandRejected::Closing(reply_to));
        }
        // Remembered first: the reply must not be quicker than the memory.
        self.inner()
            .pending
            .insert(id, reply_to, times, limits.commands_per_device)
            .map_err(CommandRejected::Busy)?;
        match self.write_queue.push(frame, limits) {
            Ok(()) => Ok(()),
            // The end of the session may have answered the waiter already.
            Err(_) => self
                .inner()
                .pending
                .remove(id)
                .map_or(Ok(()), |waiter| Err(CommandRejected::Closing(waiter))),
        }
    }

    /// Who waits for the reply to a command.
    pub(crate) fn take_reply_to(&self, id: u64) -> Option<CommandReplyTo> {
        self.inner().pending.remove(id)
    }

    /// Counts a reading as under way, unless `limit` are; whether it was counted.
    pub(crate) fn try_begin_telemetry(&self, limit: u32) -> bool {
        let more = |count| (count < limit).then_some(count + 1);
        self.telemetry_in_flight
            .fetch_update(Relaxed, Relaxed, more)
            .is_ok()
    }

    /// A reading that was begun has its answer.
    pub(crate) fn end_telemetry(&self) {
        self.telemetry_in_flight.fetch_sub(1, Relaxed);
    }

    /// Whether this device waits for an answer, or somebody for its reply.
    pub(crate) fn is_busy(&self, now: u32) -> bool {
        self.telemetry_in_flight.load(Relaxed) > 0 || self.inner().pending.has_pending(now)
    }

    /// Whether a topic is new to the device; `Err` past the limit.
    pub(crate) fn may_subscribe(&self, topic: &Topic, limit: usize) -> Result<bool, ()> {
        let topics = &self.inner().topics;
        if topics.iter().any(|kept| kept.topic == *topic) {
            return Ok(false);
        }
        if topics.len() >= limit {
            return Err(());
        }
        Ok(true)
    }

    /// Remembers a topic that is new.
    pub(crate) fn add_subscription(&self, subscription: TopicSubscription) {
        self.inner().topics.push(subscription);
    }

    /// Forgets a topic; its place there, if it had one.
    pub(crate) fn remove_subscription(&self, topic: &Topic) -> Option<SubscriptionSlot> {
        let topics = &mut self.inner().topics;
        let at = topics.iter().position(|kept| kept.topic == *topic)?;
        let seat = topics.swap_remove(at).slot;
        if topics.is_empty() {
            *topics = Vec::new();
        }
        Some(seat)
    }

    /// Whether its topics may be changed once more in second `now`; if so, it counts.
    pub(crate) fn allow_topic_change(&self, now: u32, limit: u32) -> bool {
        let mut inner = self.inner();
        try_increment(&mut inner.rate_window.for_second(now).topic_changes, limit)
    }

    /// Whether another message may be published in second `now`; if so, it counts.
    pub(crate) fn allow_publish(&self, now: u32, limit: u32) -> bool {
        let mut inner = self.inner();
        try_increment(&mut inner.rate_window.for_second(now).messages, limit)
    }

    /// Everything that ends with the session.
    pub(crate) fn take_pending(&self) -> (Vec<CommandReplyTo>, Vec<TopicSubscription>) {
        let mut inner = self.inner();
        (inner.pending.drain(), std::mem::take(&mut inner.topics))
    }

    fn inner(&self) -> MutexGuard<'_, SessionInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateWindow {
    /// What was asked in second `now`.
    fn for_second(&mut self, now: u32) -> &mut Self {
        if self.second != now {
            *self = Self {
                second: now,
                ..Self::default()
            };
        }
        self
    }
}

/// Counts one more, unless `limit` have been.
fn try_increment(count: &mut u16, limit: u32) -> bool {
    let may = u32::from(*count) < limit.min(u16::MAX.into());
    *count += u16::from(may);
    may
}

/// Whole seconds, rounded up: no timeout fires early.
pub(crate) fn whole_seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}
