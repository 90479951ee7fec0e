//! The timing wheel for all sockets of a node, with slots of one second.
//!
//! The wheel is written by hand, because a timer of the runtime costs each idle socket about as
//! much as its session. Traffic never touches the wheel: a connection only notes the
//! second of its last bytes. When a slot comes up, each of its sessions is checked, and
//! is re-armed for its new deadline if it is not due (lazy re-arming; Varghese and Lauck,
//! "Hashed and Hierarchical Timing Wheels").

use std::sync::{
    Arc, Weak,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use parking_lot::Mutex;

use super::session::{Session, Timer};
use crate::limits::NodeLimits;

/// The number of slots, and so the seconds of one turn. A later deadline is armed for the
/// end of the turn and re-armed there.
const SLOTS: u32 = 128;

/// The wheel and its clock. Seconds start at 1, so that 0 can stand for "never".
pub(crate) struct Wheel {
    now: AtomicU32,
    slots: Mutex<Vec<Vec<TimerEntry>>>,
}

struct TimerEntry {
    /// Weak, so that a session that has ended is freed before its slot comes up.
    session: Weak<Session>,
    timer: Timer,
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            now: AtomicU32::new(1),
            slots: Mutex::new((0..SLOTS).map(|_| Vec::new()).collect()),
        }
    }

    /// Returns the present second.
    pub(crate) fn now(&self) -> u32 {
        self.now.load(Relaxed)
    }

    /// Checks the timer of a session at second `at`, or earlier if `at` is more than one
    /// turn away.
    pub(crate) fn arm(&self, session: &Arc<Session>, timer: Timer, at: u32) {
        let entry = TimerEntry {
            session: Arc::downgrade(session),
            timer,
        };
        let mut slots = self.slots.lock();
        // Read under the lock, so that the wheel does not advance past the slot meanwhile.
        let now = self.now();
        // The present slot is being processed, and a whole turn away is the same slot.
        let at = at.clamp(now + 1, now + SLOTS - 1);
        slots[(at % SLOTS) as usize].push(entry);
    }

    /// Advances to second `to` and checks every timer on the way.
    pub(crate) fn advance(&self, to: u32, limits: &NodeLimits) {
        while self.now() < to {
            // The slot is taken out, so no lock is held while the timers are checked: a check
            // arms timers, and closes sockets.
            let (now, due) = self.tick();
            for TimerEntry { session, timer } in due {
                let Some(session) = session.upgrade() else {
                    continue;
                };
                if let Some(at) = session.check_timer(timer, now, limits) {
                    self.arm(&session, timer, at);
                }
            }
        }
    }

    /// Advances by one second. Returns that second and the timers of its slot.
    fn tick(&self) -> (u32, Vec<TimerEntry>) {
        let mut slots = self.slots.lock();
        let now = self.now.fetch_add(1, Relaxed) + 1;
        (now, std::mem::take(&mut slots[(now % SLOTS) as usize]))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::net::ws::close::CloseReason;

    fn limits(idle_s: u64) -> NodeLimits {
        NodeLimits {
            idle_timeout: Duration::from_secs(idle_s),
            ..NodeLimits::default()
        }
    }

    fn session(wheel: &Wheel) -> Session {
        Session::new("d".parse().unwrap(), wheel.now())
    }

    fn arm_idle(wheel: &Wheel, session: Session) -> Arc<Session> {
        let session = Arc::new(session);
        wheel.arm(&session, Timer::Idle, wheel.now() + 1);
        session
    }

    fn armed(wheel: &Wheel) -> Arc<Session> {
        arm_idle(wheel, session(wheel))
    }

    #[test]
    fn silent_socket_closes_after_its_idle_timeout() {
        for idle_s in [1, 5, 127, 128, 129, 1000] {
            let wheel = Wheel::new();
            let session = armed(&wheel);
            let due = 1 + u32::try_from(idle_s).unwrap();
            wheel.advance(due - 1, &limits(idle_s));
            assert_eq!(session.write_queue.close_reason(), None, "{idle_s} s");
            wheel.advance(due, &limits(idle_s));
            let reason = session.write_queue.close_reason();
            assert_eq!(reason, Some(CloseReason::Idle), "{idle_s} s");
        }
    }

    #[test]
    fn active_socket_stays_open() {
        let wheel = Wheel::new();
        let session = armed(&wheel);
        for second in 2..50 {
            wheel.advance(second, &limits(5));
            session.record_activity(second);
        }
        assert_eq!(session.write_queue.close_reason(), None);
        wheel.advance(54, &limits(5));
        assert_eq!(session.write_queue.close_reason(), Some(CloseReason::Idle));
    }

    #[test]
    fn active_socket_closes_when_its_token_expires() {
        for token_expires in [3, 90, 200, 1000] {
            let wheel = Wheel::new();
            let mut session = session(&wheel);
            session.token_expires = token_expires;
            let session = arm_idle(&wheel, session);
            for second in 2..token_expires {
                wheel.advance(second, &limits(90));
                session.record_activity(second);
            }
            assert_eq!(
                session.write_queue.close_reason(),
                None,
                "{token_expires} s"
            );
            wheel.advance(token_expires, &limits(90));
            let reason = session.write_queue.close_reason();
            assert_eq!(reason, Some(CloseReason::Expired));
        }
    }

    #[test]
    fn old_socket_closes_once_nothing_is_in_flight() {
        let wheel = Wheel::new();
        let mut session = session(&wheel);
        session.max_age_at = 30;
        let session = arm_idle(&wheel, session);
        assert!(session.try_begin_telemetry(1));
        for second in 2..40 {
            session.record_activity(second);
            wheel.advance(second, &limits(90));
        }
        // A telemetry record waits.
        assert_eq!(session.write_queue.close_reason(), None);
        session.end_telemetry();
        wheel.advance(41, &limits(90));
        let reason = session.write_queue.close_reason();
        assert_eq!(reason, Some(CloseReason::MaxAge));
        let mut written = Vec::new();
        let _ = session.write_queue.poll_write(|bytes| {
            written.extend_from_slice(bytes);
            std::task::Poll::Ready(Ok(bytes.len()))
        });
        assert!(written.windows(6).any(|part| part == b"goaway"));
    }

    #[test]
    fn device_that_reads_slowly_stays_open() {
        let wheel = Wheel::new();
        let limits = NodeLimits {
            write_timeout: Duration::from_secs(10),
            ..limits(1000)
        };
        let session = armed(&wheel);
        assert!(session.record_write_blocked(wheel.now(), false));
        wheel.arm(&session, Timer::Write, wheel.now() + 10);
        for second in (5..=100).step_by(3) {
            wheel.advance(second, &limits);
            assert!(!session.record_write_blocked(second, second % 2 == 0));
        }
        assert!(!session.write_queue.is_aborted());
        session.clear_write_blocked();
        wheel.advance(150, &limits);
        // Nothing waits to be written.
        assert!(!session.write_queue.is_aborted());
        assert!(!session.record_write_blocked(150, false));
        wheel.advance(159, &limits);
        assert!(!session.write_queue.is_aborted());
        wheel.advance(160, &limits);
        assert!(session.write_queue.is_aborted());
    }

    #[test]
    fn device_that_blocks_often_has_one_write_timer() {
        let wheel = Wheel::new();
        let session = armed(&wheel);
        for second in 2..300 {
            for _ in 0..10 {
                if session.record_write_blocked(second, true) {
                    wheel.arm(&session, Timer::Write, second + 10);
                }
                session.clear_write_blocked();
            }
            session.record_activity(second);
            wheel.advance(second, &limits(1000));
        }
        let entries: usize = wheel.slots.lock().iter().map(Vec::len).sum();
        assert_eq!(entries, 2, "the idle timer and the write timer");
    }

    #[test]
    fn timers_of_ended_session_leave_the_wheel() {
        let wheel = Wheel::new();
        drop(armed(&wheel));
        wheel.advance(SLOTS, &limits(5));
        assert!(wheel.slots.lock().iter().all(Vec::is_empty));
    }
}
