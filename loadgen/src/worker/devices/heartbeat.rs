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
const LATE_AFTER: Duration = Duration::from_secs(1);

/// The heartbeat of one open socket.
#[derive(Debug)]
pub struct DeviceHeartbeat {
    period: Duration,
    next_due: Instant,
    /// Number of the last beat, which its ping carries.
    number: u32,
    pending: Option<PendingPing>,
    consecutive_missed: u32,
}

#[derive(Debug, Clone, Copy)]
struct PendingPing {
    due: Instant,
    sent: Instant,
}

/// What is to be done when a beat falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatAction {
    /// Send a ping with this payload.
    Send([u8; 4]),
    /// Too many were missed in a row: close the socket.
    CloseSocket,
}

impl DeviceHeartbeat {
    /// The first beat comes `phase` of a period after `opened`.
    pub fn new(opened: Instant, period: Duration, phase: f64) -> Self {
        Self {
            period,
            next_due: opened + period.mul_f64(phase),
            number: 0,
            pending: None,
            consecutive_missed: 0,
        }
    }

    /// When [`fall_due`](Self::fall_due) is to be called.
    pub fn next_due(&self) -> Instant {
        self.next_due
    }

    /// The next beat's time has come. A beat that is to be sent counts as
    /// sent at `now`.
    pub fn on_due(
        &mut self,
        now: Instant,
        max_missed: u32,
        recorder: &Recorder,
    ) -> HeartbeatAction {
        self.record_missed(recorder);
        if self.consecutive_missed >= max_missed {
            return HeartbeatAction::CloseSocket;
        }
        let due = self.next_due;
        self.next_due = due + self.period;
        self.number = self.number.wrapping_add(1);
        self.pending = Some(PendingPing { due, sent: now });
        recorder.count(Count::HeartbeatsDue);
        recorder.count(Count::HeartbeatsSent);
        recorder.add_to_level(Level::HeartbeatsPending, 1);
        recorder.time(Timing::SendLag, now.saturating_duration_since(due));
        HeartbeatAction::Send(self.number.to_be_bytes())
    }

    /// A pong with this payload has come.
    pub fn on_pong(&mut self, payload: &[u8], now: Instant, recorder: &Recorder) {
        if payload != self.number.to_be_bytes() {
            return; // of a beat that was missed, or not ours at all
        }
        let Some(waiting) = self.pending.take() else {
            return;
        };
        self.consecutive_missed = 0;
        let response = now.saturating_duration_since(waiting.due);
        let service = now.saturating_duration_since(waiting.sent);
        recorder.count(Count::HeartbeatsAcknowledged);
        if response > LATE_AFTER {
            recorder.count(Count::HeartbeatsLate);
        }
        recorder.add_to_level(Level::HeartbeatsPending, -1);
        recorder.time(Timing::HeartbeatResponse, response);
        recorder.time(Timing::HeartbeatService, service);
    }

    /// The socket was lost: a beat that still waits will have no answer.
    pub fn on_lost(&mut self, recorder: &Recorder) {
        self.record_missed(recorder);
    }

    fn record_missed(&mut self, recorder: &Recorder) {
        if self.pending.take().is_some() {
            self.consecutive_missed += 1;
            recorder.count(Count::HeartbeatsMissed);
            recorder.add_to_level(Level::HeartbeatsPending, -1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const PERIOD: Duration = Duration::from_secs(20);

    fn counted(recorder: &Recorder) -> BTreeMap<String, u64> {
        recorder.take_snapshot().counters.into_iter().collect()
    }

    fn payload(beat: HeartbeatAction) -> [u8; 4] {
        match beat {
            HeartbeatAction::Send(payload) => payload,
            HeartbeatAction::CloseSocket => panic!("gave up"),
        }
    }

    #[test]
    fn response_counts_from_the_grid_and_service_from_the_ping() {
        let recorder = Recorder::new();
        let opened = Instant::now();
        let mut heartbeat = DeviceHeartbeat::new(opened, PERIOD, 0.25);
        let due = opened + PERIOD / 4;
        assert_eq!(heartbeat.next_due(), due);
        let sent = due + Duration::from_millis(900);
        let ping = payload(heartbeat.on_due(sent, 2, &recorder));
        assert_eq!(heartbeat.next_due(), due + PERIOD);
        heartbeat.on_pong(&ping, sent + Duration::from_millis(200), &recorder);

        let taken = recorder.take_snapshot();
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
        let mut heartbeat = DeviceHeartbeat::new(Instant::now(), PERIOD, 0.0);
        let beat = |heartbeat: &mut DeviceHeartbeat| {
            let due = heartbeat.next_due();
            heartbeat.on_due(due, 2, &recorder)
        };
        let first = payload(beat(&mut heartbeat));
        let second = payload(beat(&mut heartbeat));
        heartbeat.on_pong(&first, heartbeat.next_due(), &recorder); // too late: missed
        heartbeat.on_pong(&second, heartbeat.next_due(), &recorder);
        heartbeat.on_pong(&second, heartbeat.next_due(), &recorder); // twice is once
        beat(&mut heartbeat);
        beat(&mut heartbeat);
        assert_eq!(beat(&mut heartbeat), HeartbeatAction::CloseSocket);

        let counted = counted(&recorder);
        assert_eq!(counted["heartbeats.due"], 4);
        assert_eq!(counted["heartbeats.acknowledged"], 1);
        assert_eq!(counted["heartbeats.missed"], 3);
        assert_eq!(recorder.level(Level::HeartbeatsPending), 0);
    }
}
