//! When a heart-beat is due at either end of a session, and its result.
//!
//! A heart-beat of STOMP has no answer. Those of the device count as sent, and never as
//! acknowledged or missed. Those of the server count as acknowledged when they come. One counts
//! as missed when nothing at all came for twice the agreed interval: a server need not send one
//! while it sends frames.

use std::time::Duration;

use highwater_stomp::HeartBeatIntervals;
use tokio::time::Instant;

use crate::worker::{
    observer::{FrameUse, SocketEvent, observe},
    recorder::{Count, Recorder, Timing},
};

/// The silence of a server that counts as a missed heart-beat, in agreed intervals. The standard
/// demands some patience and names no number.
const PATIENCE: u32 = 2;

/// The heart-beats of a session; none at an end without an interval.
#[derive(Debug, Default)]
pub struct HeartBeats {
    send: Option<Due>,
    receive: Option<Due>,
    consecutive_missed: u32,
}

/// A heart-beat that is due, and the time to the next.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    period: Duration,
}

/// The result of looking for the server's heart-beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartBeatCheck {
    /// The heart-beat is not overdue.
    InTime,
    /// The heart-beat was missed.
    Missed,
    /// The heart-beat was missed, and so were those before it.
    TooManyMissed,
}

impl HeartBeats {
    /// Creates those of a session that opened at `now`. The first own one is due after this
    /// part of its interval.
    pub fn new(intervals: HeartBeatIntervals, now: Instant, phase: f32) -> Self {
        let due = |first: Duration, period: Duration| Due {
            at: now + first,
            period,
        };
        let receive = intervals.receive.map(|interval| interval * PATIENCE);
        Self {
            send: intervals
                .send
                .map(|interval| due(interval.mul_f32(phase), interval)),
            receive: receive.map(|silence| due(silence, silence)),
            consecutive_missed: 0,
        }
    }

    /// Returns when [`take_due`](Self::take_due) or [`check`](Self::check) has something to do.
    pub fn next_due(&self) -> Option<Instant> {
        let due = self.send.iter().chain(&self.receive);
        due.map(|due| due.at).min()
    }

    /// Takes in any bytes of the server.
    pub fn on_received(&mut self, now: Instant) {
        if let Some(receive) = &mut self.receive {
            receive.at = now + receive.period;
            self.consecutive_missed = 0;
        }
    }

    /// Counts a heart-beat of the server. One that was not agreed on counts nothing.
    pub fn on_heart_beat(&self, recorder: &Recorder) {
        if self.receive.is_some() {
            observe(|| SocketEvent::Used(FrameUse::WatchedHeartbeat));
            recorder.count(Count::HeartbeatsDue);
            recorder.count(Count::HeartbeatsAcknowledged);
        }
    }

    /// Whether the device's own heart-beat is due. It counts as sent then.
    pub fn take_due(&mut self, now: Instant, recorder: &Recorder) -> bool {
        let Some(send) = self.send.as_mut().filter(|send| send.at <= now) else {
            return false;
        };
        recorder.count(Count::HeartbeatsDue);
        recorder.count(Count::HeartbeatsSent);
        recorder.count(Count::HeartbeatsOneWay);
        recorder.time(Timing::SendLag, now.saturating_duration_since(send.at));
        send.at += send.period;
        true
    }

    /// Looks whether the server's heart-beat is overdue, and counts it as missed.
    pub fn check(&mut self, now: Instant, max_missed: u32, recorder: &Recorder) -> HeartBeatCheck {
        let Some(receive) = self.receive.as_mut().filter(|receive| receive.at <= now) else {
            return HeartBeatCheck::InTime;
        };
        observe(|| SocketEvent::HeartbeatMissed);
        recorder.count(Count::HeartbeatsDue);
        recorder.count(Count::HeartbeatsMissed);
        // From now: a stall of this process must not count as several periods.
        receive.at = now + receive.period;
        self.consecutive_missed += 1;
        match self.consecutive_missed >= max_missed {
            true => HeartBeatCheck::TooManyMissed,
            false => HeartBeatCheck::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    fn counted(recorder: &Recorder) -> BTreeMap<String, u64> {
        recorder.take_snapshot().counters.into_iter().collect()
    }

    #[test]
    fn own_heart_beat_is_sent_and_never_missed() {
        let recorder = Recorder::default();
        let start = Instant::now();
        let intervals = HeartBeatIntervals {
            send: Some(INTERVAL),
            receive: None,
        };
        let mut beats = HeartBeats::new(intervals, start, 0.5);
        assert!(!beats.take_due(start, &recorder));
        assert!(beats.take_due(start + INTERVAL / 2, &recorder));
        assert_eq!(beats.next_due(), Some(start + INTERVAL / 2 + INTERVAL));
        let late = start + INTERVAL * 100;
        assert_eq!(beats.check(late, 1, &recorder), HeartBeatCheck::InTime);
        let counted = counted(&recorder);
        assert_eq!(counted["heartbeats.due"], 1);
        assert_eq!(counted["heartbeats.sent"], 1);
        assert_eq!(counted["heartbeats.one_way"], 1);
        assert!(!counted.contains_key("heartbeats.missed"));
    }

    #[test]
    fn silence_of_two_intervals_is_a_missed_heart_beat() {
        let recorder = Recorder::default();
        let start = Instant::now();
        let intervals = HeartBeatIntervals {
            send: None,
            receive: Some(INTERVAL),
        };
        let mut beats = HeartBeats::new(intervals, start, 0.5);
        let check =
            |beats: &mut HeartBeats, at: u32| beats.check(start + INTERVAL * at, 2, &recorder);
        assert_eq!(check(&mut beats, 1), HeartBeatCheck::InTime);
        beats.on_received(start + INTERVAL);
        beats.on_heart_beat(&recorder);
        assert_eq!(check(&mut beats, 2), HeartBeatCheck::InTime);
        assert_eq!(check(&mut beats, 3), HeartBeatCheck::Missed);
        assert_eq!(check(&mut beats, 5), HeartBeatCheck::TooManyMissed);
        // A frame shows as well that the server lives.
        beats.on_received(start + INTERVAL * 5);
        assert_eq!(check(&mut beats, 7), HeartBeatCheck::Missed);
        let counted = counted(&recorder);
        assert_eq!(counted["heartbeats.due"], 4);
        assert_eq!(counted["heartbeats.acknowledged"], 1);
        assert_eq!(counted["heartbeats.missed"], 3);
    }

    #[test]
    fn heart_beats_that_were_not_agreed_on_count_nothing() {
        let recorder = Recorder::default();
        let mut beats = HeartBeats::default();
        beats.on_received(Instant::now());
        beats.on_heart_beat(&recorder);
        assert_eq!(beats.next_due(), None);
        assert!(counted(&recorder).is_empty());
    }
}
