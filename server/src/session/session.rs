//! What the node knows of one connected device.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{
        AtomicBool, AtomicU32, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
};

use super::{
    byte_budget::Budget,
    frame,
    pending_commands::{Waiter, Waiting},
    wheel::{Next, Timer},
    write_queue::Outbox,
};
use crate::{
    cluster::{epoch::Epoch, topic_hub::Seat},
    config::Limits,
    id::{DeviceId, Topic},
    ws::close::CloseReason,
};

/// Shared by its task, the registry, the wheel and whoever sends to it. Times are
/// the wheel's seconds; 0 is "not".
pub(crate) struct Session {
    pub(crate) device: DeviceId,
    pub(crate) outbox: Outbox,
    /// The highest epoch that the directory gave it; 0 until the first.
    epoch: AtomicU64,
    /// The highest epoch that the directory said is replaced.
    superseded: AtomicU64,
    last_seen: AtomicU32,
    blocked_since: AtomicU32,
    /// Whether the wheel looks at its writing.
    watched: AtomicBool,
    closing_since: AtomicU32,
    /// When its token ends; 0 where it has none.
    expires: u32,
    /// When it has been open for long enough; 0 where nothing says so.
    retires: u32,
    /// Readings that have no answer yet.
    readings: AtomicU32,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    waiting: Waiting,
    topics: Vec<Subscription>,
    asked: Asked,
}

/// A topic that the device subscribes to, and its place there.
pub(crate) struct Subscription {
    pub(crate) topic: Topic,
    pub(crate) seat: Seat,
}

/// What the device has asked of other nodes in one of the wheel's seconds.
#[derive(Default)]
struct Asked {
    second: u32,
    messages: u16,
    subscriptions: u16,
}

/// Why a device cannot take a command.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Too many commands wait for it.
    Busy(Waiter),
    /// Its socket is closing.
    Closing(Waiter),
}

impl Session {
    pub(crate) fn new(device: DeviceId, now: u32) -> Self {
        Self {
            device,
            outbox: Outbox::default(),
            epoch: AtomicU64::new(0),
            superseded: AtomicU64::new(0),
            last_seen: AtomicU32::new(now),
            blocked_since: AtomicU32::new(0),
            watched: AtomicBool::new(false),
            closing_since: AtomicU32::new(0),
            expires: 0,
            retires: 0,
            readings: AtomicU32::new(0),
            inner: Mutex::default(),
        }
    }

    /// The same, whose bytes that wait count in `budget`.
    pub(crate) fn within(self, budget: &Arc<Budget>) -> Self {
        Self {
            outbox: Outbox::within(Arc::clone(budget)),
            ..self
        }
    }

    /// The same, which closes at that second.
    pub(crate) fn until(self, second: u32) -> Self {
        Self {
            expires: second.max(1),
            ..self
        }
    }

    /// The same, which is sent away from that second on, as soon as it has nothing
    /// under way.
    pub(crate) fn retiring(self, second: u32) -> Self {
        Self {
            retires: second.max(1),
            ..self
        }
    }

    /// The device was heard.
    pub(crate) fn seen(&self, now: u32) {
        self.last_seen.store(now, Relaxed);
    }

    /// Writing waits for the device, which has read something just now or has not;
    /// answers whether the wheel has to look at it from now on. It does so once, and
    /// then for as long as the session lasts: a device that reads slowly blocks and
    /// goes on many times a second.
    pub(crate) fn blocked(&self, now: u32, has_read: bool) -> bool {
        let now = now.max(1);
        if has_read {
            self.blocked_since.store(now, Relaxed);
        } else {
            let _ = self
                .blocked_since
                .compare_exchange(0, now, Relaxed, Relaxed);
        }
        !self.watched.swap(true, Relaxed)
    }

    /// Nothing waits to be written.
    pub(crate) fn unblocked(&self) {
        self.blocked_since.store(0, Relaxed);
    }

    /// The close handshake runs since then; answers whether that is new.
    pub(crate) fn closing(&self, now: u32) -> bool {
        self.closing_since
            .compare_exchange(0, now.max(1), Relaxed, Relaxed)
            .is_ok()
    }

    /// Acts on a timer that is due, or says when to look again.
    pub(crate) fn check(&self, timer: Timer, now: u32, limits: &Limits) -> Next {
        let (since, timeout) = match timer {
            Timer::Idle => (self.last_seen.load(Relaxed), limits.idle_timeout),
            Timer::Write => (self.blocked_since.load(Relaxed), limits.write_timeout),
            Timer::Close => (self.closing_since.load(Relaxed), limits.close_timeout),
        };
        let since = match (since, timer) {
            (0, Timer::Close) => return Next::Never,
            // If it blocks from now on.
            (0, Timer::Write) => now,
            _ => since,
        };
        let due = since.saturating_add(seconds(timeout));
        let end = match timer {
            Timer::Idle => match self.check_ends(now, limits) {
                Some(end) => end,
                None => return Next::Never,
            },
            Timer::Write | Timer::Close => u32::MAX,
        };
        if due > now {
            return Next::At(due.min(end));
        }
        match timer {
            Timer::Idle => {
                self.outbox.close(CloseReason::Idle);
            }
            Timer::Write => self.outbox.abandon(CloseReason::Slow),
            Timer::Close => self.outbox.abandon(CloseReason::Lost),
        }
        Next::Never
    }

    /// Closes a socket that has come to an end known beforehand; `None` then, else
    /// the second at which to look again. Both ride on the idle timer: they cost no
    /// entries of their own.
    fn check_ends(&self, now: u32, limits: &Limits) -> Option<u32> {
        let second = |end: u32| if end == 0 { u32::MAX } else { end };
        let (expires, retires) = (second(self.expires), second(self.retires));
        if expires <= now {
            self.outbox.close(CloseReason::Expired);
            return None;
        }
        if retires > now {
            return Some(expires.min(retires));
        }
        if self.is_busy(now) {
            return Some(expires.min(now + 1));
        }
        // One that cannot take it is closing already.
        let _ = self.outbox.push(frame::goaway(limits.drain_window), limits);
        self.outbox.close(CloseReason::Aged);
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
    pub(crate) fn superseded(&self, epoch: Epoch) {
        self.superseded.fetch_max(epoch.raw(), SeqCst);
        self.close_if_superseded();
    }

    /// In one order for all: of two who write one each, the second sees both.
    fn close_if_superseded(&self) {
        let epoch = self.epoch.load(SeqCst);
        if epoch != 0 && epoch <= self.superseded.load(SeqCst) {
            self.outbox.close(CloseReason::Replaced);
        }
    }

    /// Queues a command's frame and remembers who waits for the reply.
    /// `times` is now and when the caller stops waiting.
    pub(crate) fn ask(
        &self,
        id: u64,
        frame: bytes::Bytes,
        waiter: Waiter,
        times: (u32, u32),
        limits: &Limits,
    ) -> Result<(), Refusal> {
        if self.outbox.closing().is_some() {
            return Err(Refusal::Closing(waiter));
        }
        // Remembered first: the reply must not be quicker than the memory.
        self.inner()
            .waiting
            .insert(id, waiter, times, limits.commands_per_device)
            .map_err(Refusal::Busy)?;
        match self.outbox.push(frame, limits) {
            Ok(()) => Ok(()),
            // The end of the session may have answered the waiter already.
            Err(_) => self
                .inner()
                .waiting
                .remove(id)
                .map_or(Ok(()), |waiter| Err(Refusal::Closing(waiter))),
        }
    }

    /// Who waits for the reply to a command.
    pub(crate) fn replied(&self, id: u64) -> Option<Waiter> {
        self.inner().waiting.remove(id)
    }

    /// Counts a reading as under way, unless `limit` are; whether it was counted.
    pub(crate) fn begin_reading(&self, limit: u32) -> bool {
        let more = |count| (count < limit).then_some(count + 1);
        self.readings.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// A reading that was begun has its answer.
    pub(crate) fn end_reading(&self) {
        self.readings.fetch_sub(1, Relaxed);
    }

    /// Whether this device waits for an answer, or somebody for its reply.
    pub(crate) fn is_busy(&self, now: u32) -> bool {
        self.readings.load(Relaxed) > 0 || self.inner().waiting.any(now)
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
    pub(crate) fn subscribed(&self, subscription: Subscription) {
        self.inner().topics.push(subscription);
    }

    /// Forgets a topic; its place there, if it had one.
    pub(crate) fn unsubscribed(&self, topic: &Topic) -> Option<Seat> {
        let topics = &mut self.inner().topics;
        let at = topics.iter().position(|kept| kept.topic == *topic)?;
        let seat = topics.swap_remove(at).seat;
        if topics.is_empty() {
            *topics = Vec::new();
        }
        Some(seat)
    }

    /// Whether its topics may be changed once more in second `now`; if so, it counts.
    pub(crate) fn may_change_topics(&self, now: u32, limit: u32) -> bool {
        let mut inner = self.inner();
        one_more(&mut inner.asked.in_second(now).subscriptions, limit)
    }

    /// Whether another message may be published in second `now`; if so, it counts.
    pub(crate) fn may_publish(&self, now: u32, limit: u32) -> bool {
        let mut inner = self.inner();
        one_more(&mut inner.asked.in_second(now).messages, limit)
    }

    /// Everything that ends with the session.
    pub(crate) fn take(&self) -> (Vec<Waiter>, Vec<Subscription>) {
        let mut inner = self.inner();
        (inner.waiting.take(), std::mem::take(&mut inner.topics))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// What was asked in second `now`.
    fn in_second(&mut self, now: u32) -> &mut Self {
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
fn one_more(count: &mut u16, limit: u32) -> bool {
    let may = u32::from(*count) < limit.min(u16::MAX.into());
    *count += u16::from(may);
    may
}

/// Whole seconds, rounded up: no timeout fires early.
pub(crate) fn seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}
