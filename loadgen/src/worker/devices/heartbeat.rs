//! When a ping is due, and what became of it.
//!
//! ```text
//!            due                    next due, or the socket ends
//! (idle) ──────────► waiting ──────────────────────────────────► missed
//!    ▲                  │ pong
//!    └──────────────────┘ acknowledged (late after a second)
//! ```
//!
//! Beats lie on a grid that starts when the socket opens; a beat that is sent
//! late does not move the next one, and its response time counts from the grid.

use std::time::Duration;

use tokio::time::Instant;

use crate::worker::recorder::{Count, Level, Recorder, Timing};

/// An answer after more than this is late.
const LATE: Duration = Duration::from_secs(1);

/// The heartbeat of one open socket.
#[derive(Debug)]
pub struct Heartbeat {
    period: Duration,
    next_due: Instant,
    /// Number of the last beat, which its ping carries.
    number: u32,
    waiting: Option<Waiting>,
    missed_in_a_row: u32,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    due: Instant,
    sent: Instant,
}

/// What is to be done when a beat falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Send a ping with this payload.
    Send([u8; 4]),
    /// Too many were missed in a row: close the socket.
    GiveUp,
}

impl Heartbeat {
    /// The first beat comes `phase` of a period after `opened`.
    pub fn new(opened: Instant, period: Duration, phase: f64) -> Self {
        Self {
            period,
            next_due: opened + period.mul_f64(phase),
            number: 0,
            waiting: None,
            missed_in_a_row: 0,
        }
    }

    /// When [`fall_due`](Self::fall_due) is to be called.
    pub fn next_due(&self) -> Instant {
        self.next_due
    }

    /// The next beat's time has come. A beat that is to be sent counts as
    /// sent at `now`.
    pub fn fall_due(&mut self, now: Instant, give_up_after: u32, recorder: &Recorder) -> Beat {
        self.miss(recorder);
        if self.missed_in_a_row >= give_up_after {
            return Beat::GiveUp;
        }
        let due = self.next_due;
        self.next_due = due + self.period;
        self.number = self.number.wrapping_add(1);
        self.waiting = Some(Waiting { due, sent: now });
        recorder.count(Count::HeartbeatsDue);
        recorder.count(Count::HeartbeatsSent);
        recorder.shift(Level::HeartbeatsPending, 1);
        recorder.time(Timing::SendLag, now.saturating_duration_since(due));
        Beat::Send(self.number.to_be_bytes())
    }

    /// A pong with this payload has come.
    pub fn pong(&mut self, payload: &[u8], now: Instant, recorder: &Recorder) {
        if payload != self.number.to_be_bytes() {
            return; // of a beat that was missed, or not ours at all
        }
        let Some(waiting) = self.waiting.take() else {
            return;
        };
        self.missed_in_a_row = 0;
        let response = now.saturating_duration_since(waiting.due);
        let service = now.saturating_duration_since(waiting.sent);
        recorder.count(Count::HeartbeatsAcknowledged);
        if response > LATE {
            recorder.count(Count::HeartbeatsLate);
        }
        recorder.shift(Level::HeartbeatsPending, -1);
        recorder.time(Timing::HeartbeatResponse, response);
        recorder.time(Timing::HeartbeatService, service);
    }

    /// The socket was lost: a beat that still waits will have no answer.
    pub fn lost(&mut self, recorder: &Recorder) {
        self.miss(recorder);
    }

    fn miss(&mut self, recorder: &Recorder) {
        if self.waiting.take().is_some() {
            self.missed_in_a_row += 1;
            recorder.count(Count::HeartbeatsMissed);
            recorder.shift(Level::HeartbeatsPending, -1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const PERIOD: Duration = Duration::from_secs(20);

    fn counted(recorder: &Recorder) -> BTreeMap<String, u64> {
        recorder.take().counters.into_iter().collect()
    }

    fn payload(beat: Beat) -> [u8; 4] {
        match beat {
            Beat::Send(payload) => payload,
            Beat::GiveUp => panic!("gave up"),
        }
    }

    #[test]
    fn response_counts_from_the_grid_and_service_from_the_ping() {
        let recorder = Recorder::new();
        let opened = Instant::now();
        let mut heartbeat = Heartbeat::new(opened, PERIOD, 0.25);
        let due = opened + PERIOD / 4;
        assert_eq!(heartbeat.next_due(), due);
        let sent = due + Duration::from_millis(900);
        let ping = payload(heartbeat.fall_due(sent, 2, &recorder));
        assert_eq!(heartbeat.next_due(), due + PERIOD);
        heartbeat.pong(&ping, sent + Duration::from_millis(200), &recorder);

        let taken = recorder.take();
        let max = |tag| {
            let (_, histogram) = taken.latencies.iter().find(|(t, _)| *t == tag).unwrap();
            histogram.max() / 1000
        };
        assert_eq!(max("heartbeats.response"), 1100);
        assert_eq!(max("heartbeats.service"), 200);
        assert_eq!(max("send_lag"), 900);
        assert!(taken.counters.contains(&("heartbeats.late".to_owned(), 1)));
    }

    #[test]
    fn every_beat_is_acknowledged_missed_or_pending() {
        let recorder = Recorder::new();
        let mut heartbeat = Heartbeat::new(Instant::now(), PERIOD, 0.0);
        let beat = |heartbeat: &mut Heartbeat| {
            let due = heartbeat.next_due();
            heartbeat.fall_due(due, 2, &recorder)
        };
        let first = payload(beat(&mut heartbeat));
        let second = payload(beat(&mut heartbeat));
        heartbeat.pong(&first, heartbeat.next_due(), &recorder); // too late: missed
        heartbeat.pong(&second, heartbeat.next_due(), &recorder);
        heartbeat.pong(&second, heartbeat.next_due(), &recorder); // twice is once
        beat(&mut heartbeat);
        beat(&mut heartbeat);
        assert_eq!(beat(&mut heartbeat), Beat::GiveUp);

        let counted = counted(&recorder);
        assert_eq!(counted["heartbeats.due"], 4);
        assert_eq!(counted["heartbeats.acknowledged"], 1);
        assert_eq!(counted["heartbeats.missed"], 3);
        assert_eq!(recorder.level(Level::HeartbeatsPending), 0);
    }
}
