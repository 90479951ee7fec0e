//! The latency that a pause of the server gives to heartbeats that are due on schedule.

use std::time::Duration;

use super::{latency::Latency, load::Load};

/// The time in which the server did not run, from the start of the steady phase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    /// The start.
    pub(super) from: Duration,
    /// The length.
    pub(super) length: Duration,
}

/// Computes the latency of the steady phase's heartbeats, each from the instant at which it is
/// due, for a server that answers at once except in the pause. The tools have no part in it.
pub(super) fn due_latency(load: Load, pause: Pause) -> Latency {
    let heartbeats = load.heartbeats();
    let mut latencies_ms: Vec<f64> = (0..heartbeats)
        .map(|number| {
            let due = load.steady.as_secs_f64() * number as f64 / heartbeats as f64;
            let into_pause = due - pause.from.as_secs_f64();
            let left = pause.length.as_secs_f64() - into_pause;
            // A heartbeat of the pause is answered at its end.
            if into_pause >= 0.0 {
                left.max(0.0) * 1e3
            } else {
                0.0
            }
        })
        .collect();
    latencies_ms.sort_by(f64::total_cmp);
    let rank = (latencies_ms.len() as f64 * 0.99).ceil() as usize;
    Latency {
        p99_ms: latencies_ms.get(rank.saturating_sub(1)).copied(),
        max_ms: latencies_ms.last().copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peers::target::Target;

    fn load(sockets: u32) -> Load {
        Load {
            sockets,
            interval: Duration::from_secs(20),
            steady: Duration::from_secs(60),
            target: Target::Json,
        }
    }

    fn pause(from_ms: u64, length_ms: u64) -> Pause {
        Pause {
            from: Duration::from_millis(from_ms),
            length: Duration::from_millis(length_ms),
        }
    }

    #[test]
    fn pause_delays_its_share_of_the_heartbeats() {
        // 1.5 s of 60 s: 2.5 % of the heartbeats wait, evenly up to 1.5 s. 1 % of all wait
        // longer than 1.5 s − 0.6 s.
        let latency = due_latency(load(5000), pause(30_000, 1500));
        assert!(
            (latency.p99_ms.unwrap() - 900.0).abs() <= 4.0,
            "{latency:?}"
        );
        assert!(
            (latency.max_ms.unwrap() - 1500.0).abs() <= 4.0,
            "{latency:?}"
        );
    }

    #[test]
    fn pause_of_less_than_one_percent_shows_in_the_maximum_only() {
        let latency = due_latency(load(5000), pause(30_000, 500));
        assert_eq!(latency.p99_ms, Some(0.0));
        assert!(
            (latency.max_ms.unwrap() - 500.0).abs() <= 4.0,
            "{latency:?}"
        );
    }

    #[test]
    fn pause_behind_the_steady_phase_delays_no_heartbeat() {
        let latency = due_latency(load(5000), pause(60_000, 1500));
        assert_eq!(latency.max_ms, Some(0.0));
    }

    #[test]
    fn pause_of_the_whole_phase_delays_every_heartbeat() {
        let latency = due_latency(load(100), pause(0, 60_000));
        assert_eq!(latency.max_ms, Some(60_000.0));
        assert!(latency.p99_ms.unwrap() > 59_000.0, "{latency:?}");
    }
}
