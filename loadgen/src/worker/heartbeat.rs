//! When a heartbeat of a socket is due, and its result.
//!
//! ```text
//!            due                    next due, or the socket ends
//! (idle) ──────────► pending ──────────────────────────────────► missed
//!    ▲                  │ answer
//!    └──────────────────┘ acknowledged (late after a second)
//! ```
//!
//! A heartbeat that expects no answer is over when it is sent. One that the server sends is
//! due within a period of the last, and is acknowledged or missed at once.
//!
//! Heartbeats are due at fixed instants from the first one on. One that is sent late does
//! not move the next, and its response time counts from the instant at which it was due:
//! otherwise a stall of the system would be measured once instead of as often as it was due.

use std::time::Duration;

use tokio::time::Instant;

use crate::worker::{
    observer::{FrameUse, SocketEvent, observe},
    recorder::{Count, Level, Recorder, Timing},
};

/// Response time above which an answer counts as late.
const LATE_AFTER: Duration = Duration::from_secs(1);

/// The heartbeat of one open socket.
#[derive(Debug)]
pub struct DeviceHeartbeat {
    period: Duration,
    next_due: Instant,
    /// Number of the last heartbeat, which its frame carries.
    number: u32,
    /// The time at which the last heartbeat was sent, until its answer comes or the next is
    /// due. It was due one period before the next.
    pending_since: Option<Instant>,
    consecutive_missed: u32,
}

/// The action for a heartbeat that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatAction {
    /// Send the heartbeat of this number.
    Send(u32),
    /// Send nothing: the server sends the heartbeats.
    Wait,
    /// Close the socket: too many were missed in a row.
    CloseSocket,
}

impl DeviceHeartbeat {
    /// Creates the heartbeat of a socket.
    pub fn new(first_due: Instant, period: Duration) -> Self {
        Self {
            period,
            next_due: first_due,
            number: 0,
            pending_since: None,
            consecutive_missed: 0,
        }
    }

    /// Returns when [`on_due`](Self::on_due) is to be called.
    pub fn next_due(&self) -> Instant {
        self.next_due
    }

    /// Begins the heartbeat that is due; it counts as sent at `now`. One that is still
    /// pending counts as missed.
    pub fn on_due(
        &mut self,
        now: Instant,
        max_missed: u32,
        recorder: &Recorder,
    ) -> HeartbeatAction {
        // First, because the pending heartbeat counts towards the limit.
        self.record_missed(recorder);
        if self.consecutive_missed >= max_missed {
            return HeartbeatAction::CloseSocket;
        }
        let due = self.next_due;
        self.next_due = due + self.period;
        // Wrapping, because only its equality with the number of an answer counts.
        self.number = self.number.wrapping_add(1);
        self.pending_since = Some(now);
        recorder.count(Count::HeartbeatsDue);
        recorder.count(Count::HeartbeatsSent);
        recorder.add_to_level(Level::HeartbeatsPending, 1);
        recorder.time(Timing::SendLag, now.saturating_duration_since(due));
        HeartbeatAction::Send(self.number)
    }

    /// Begins a heartbeat without an answer. It counts as sent, and never as acknowledged or
    /// missed.
    pub fn on_one_way_due(&mut self, now: Instant, recorder: &Recorder) -> HeartbeatAction {
        let due = self.next_due;
        self.next_due = due + self.period;
        self.number = self.number.wrapping_add(1);
        recorder.count(Count::HeartbeatsDue);
        recorder.count(Count::HeartbeatsSent);
        recorder.count(Count::HeartbeatsOneWay);
        recorder.time(Timing::SendLag, now.saturating_duration_since(due));
        HeartbeatAction::Send(self.number)
    }

    /// Counts a heartbeat of the server as missed: none came for a period.
    pub fn on_unseen(
        &mut self,
        now: Instant,
        max_missed: u32,
        recorder: &Recorder,
    ) -> HeartbeatAction {
        observe(|| SocketEvent::HeartbeatMissed);
        recorder.count(Count::HeartbeatsDue);
        recorder.count(Count::HeartbeatsMissed);
        // From now: a stall of this process must not count as several periods.
        self.next_due = now + self.period;
        self.consecutive_missed += 1;
        match self.consecutive_missed >= max_missed {
            true => HeartbeatAction::CloseSocket,
            false => HeartbeatAction::Wait,
        }
    }

    /// Takes in a heartbeat of the server; the next is due within a period.
    pub fn on_watched(&mut self, now: Instant, recorder: &Recorder) {
        observe(|| SocketEvent::Used(FrameUse::WatchedHeartbeat));
        recorder.count(Count::HeartbeatsDue);
        recorder.count(Count::HeartbeatsAcknowledged);
        self.next_due = now + self.period;
        self.consecutive_missed = 0;
    }

    /// Takes in the answer to the last heartbeat, if it is pending.
    pub fn on_pending_answer(&mut self, now: Instant, recorder: &Recorder) {
        self.on_answer(self.number, now, recorder);
    }

    /// Takes in the answer to heartbeat `number`.
    pub fn on_answer(&mut self, number: u32, now: Instant, recorder: &Recorder) {
        // The answer to an earlier heartbeat: it has counted as missed already.
        if number != self.number {
            return;
        }
        let Some(sent) = self.pending_since.take() else {
            return;
        };
        let due = self.next_due - self.period;
        self.consecutive_missed = 0;
        observe(|| SocketEvent::Used(FrameUse::HeartbeatAnswer));
        let response = now.saturating_duration_since(due);
        let service = now.saturating_duration_since(sent);
        recorder.count(Count::HeartbeatsAcknowledged);
        if response > LATE_AFTER {
            recorder.count(Count::HeartbeatsLate);
        }
        recorder.add_to_level(Level::HeartbeatsPending, -1);
        recorder.time(Timing::HeartbeatResponse, response);
        recorder.time(Timing::HeartbeatService, service);
    }

    /// Counts a pending heartbeat as missed: the next is due, or the socket was lost.
    pub fn record_missed(&mut self, recorder: &Recorder) {
        if self.pending_since.take().is_some() {
            self.consecutive_missed += 1;
            observe(|| SocketEvent::HeartbeatMissed);
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

    fn sent_number(action: HeartbeatAction) -> u32 {
        match action {
            HeartbeatAction::Send(number) => number,
            other => panic!("no heartbeat is sent: {other:?}"),
        }
    }

    #[test]
    fn response_time_counts_from_the_grid_and_service_time_from_sending() {
        let recorder = Recorder::default();
        let opened = Instant::now();
        let mut heartbeat = DeviceHeartbeat::new(opened + PERIOD / 4, PERIOD);
        let due = opened + PERIOD / 4;
        assert_eq!(heartbeat.next_due(), due);
        let sent = due + Duration::from_millis(900);
        let number = sent_number(heartbeat.on_due(sent, 2, &recorder));
        assert_eq!(heartbeat.next_due(), due + PERIOD);
        heartbeat.on_answer(number, sent + Duration::from_millis(200), &recorder);

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
    fn each_heartbeat_is_acknowledged_missed_or_pending() {
        let recorder = Recorder::default();
        let mut heartbeat = DeviceHeartbeat::new(Instant::now(), PERIOD);
        let beat = |heartbeat: &mut DeviceHeartbeat| {
            let due = heartbeat.next_due();
            heartbeat.on_due(due, 2, &recorder)
        };
        let first = sent_number(beat(&mut heartbeat));
        let second = sent_number(beat(&mut heartbeat));
        // Too late: the first counts as missed.
        heartbeat.on_answer(first, heartbeat.next_due(), &recorder);
        heartbeat.on_answer(second, heartbeat.next_due(), &recorder);
        // A second answer to the same heartbeat counts nothing.
        heartbeat.on_answer(second, heartbeat.next_due(), &recorder);
        beat(&mut heartbeat);
        beat(&mut heartbeat);
        assert_eq!(beat(&mut heartbeat), HeartbeatAction::CloseSocket);

        let counted = counted(&recorder);
        assert_eq!(counted["heartbeats.due"], 4);
        assert_eq!(counted["heartbeats.acknowledged"], 1);
        assert_eq!(counted["heartbeats.missed"], 3);
        assert_eq!(recorder.level(Level::HeartbeatsPending), 0);
    }
    #[test]
    fn heartbeat_without_an_answer_is_never_missed() {
        let recorder = Recorder::default();
        let mut heartbeat = DeviceHeartbeat::new(Instant::now(), PERIOD);
        for _ in 0..5 {
            let due = heartbeat.next_due();
            sent_number(heartbeat.on_one_way_due(due, &recorder));
            assert_eq!(heartbeat.next_due(), due + PERIOD);
        }
        heartbeat.record_missed(&recorder);
        let counted = counted(&recorder);
        assert_eq!(counted["heartbeats.sent"], 5);
        assert_eq!(counted["heartbeats.one_way"], 5);
        assert!(!counted.contains_key("heartbeats.acknowledged"));
        assert!(!counted.contains_key("heartbeats.missed"));
        assert_eq!(recorder.level(Level::HeartbeatsPending), 0);
    }

    #[test]
    fn heartbeat_of_the_server_is_due_within_a_period_of_the_last() {
        let recorder = Recorder::default();
        let opened = Instant::now();
        let mut heartbeat = DeviceHeartbeat::new(opened + PERIOD, PERIOD);
        let seen = opened + PERIOD / 2;
        heartbeat.on_watched(seen, &recorder);
        assert_eq!(heartbeat.next_due(), seen + PERIOD);
        let unseen = |heartbeat: &mut DeviceHeartbeat| {
            let due = heartbeat.next_due();
            heartbeat.on_unseen(due, 2, &recorder)
        };
        assert_eq!(unseen(&mut heartbeat), HeartbeatAction::Wait);
        heartbeat.on_watched(heartbeat.next_due(), &recorder);
        assert_eq!(unseen(&mut heartbeat), HeartbeatAction::Wait);
        assert_eq!(unseen(&mut heartbeat), HeartbeatAction::CloseSocket);
        // A lost socket adds no miss: its next heartbeat was not due yet.
        heartbeat.record_missed(&recorder);
        let counted = counted(&recorder);
        assert_eq!(counted["heartbeats.due"], 5);
        assert_eq!(counted["heartbeats.acknowledged"], 2);
        assert_eq!(counted["heartbeats.missed"], 3);
        assert!(!counted.contains_key("heartbeats.sent"));
    }
}
