//! Questions and answers about the coordinator's clock.

use std::{sync::Arc, time::Duration};

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::{connection::Bus, error::BusError, run_id::RunId};
use crate::{clock::RunClock, control::offset::RemoteClock};

/// Questions of one measurement; the quickest answer counts.
const QUESTIONS: u32 = 8;
/// Longest time for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two measurements.
pub const MEASURE_INTERVAL: Duration = Duration::from_secs(10);

/// The difference between a worker's clock and the coordinator's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockOffset {
    /// The coordinator's clock less the worker's, in microseconds.
    pub offset_us: f64,
    /// Most by which the offset may be wrong, in microseconds: half of the round trip.
    pub bound_us: f64,
}

/// The last measurement that has not been recorded.
pub type LatestOffset = Arc<Mutex<Option<ClockOffset>>>;

/// Answers every question about `clock`, until the task is dropped.
pub(crate) async fn answer(bus: Bus, mut questions: Subscriber, clock: RunClock) {
    while let Some(question) = questions.next().await {
        if let Some(reply) = question.reply {
            let clock_us = clock.now().as_micros() as u64;
            let text = Bytes::from(clock_us.to_string());
            // An error says that the connection is gone for good; the worker asks again.
            let _ = bus.client.publish(reply, text).await;
            let _ = bus.client.flush().await;
        }
    }
}

/// Asks the coordinator for its clock. Returns the observation with the smallest error.
///
/// # Errors
/// [`BusError::Failed`] if no question was answered.
pub(crate) async fn measure(bus: &Bus, run: &RunId) -> Result<RemoteClock, BusError> {
    let mut best: Option<RemoteClock> = None;
    let mut last = "no answer".to_owned();
    for _ in 0..QUESTIONS {
        let sent = Instant::now();
        let asked = bus.client.request(run.clock_subject(), Bytes::new());
        let answer = match timeout(ANSWER_TIMEOUT, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                last = error.to_string();
                break;
            }
            Err(_) => break,
        };
        let text = std::str::from_utf8(&answer.payload).ok();
        let Some(clock_us) = text.and_then(|text| text.parse().ok()) else {
            last = "the answer is not a time".to_owned();
            break;
        };
        let observed = RemoteClock::observed(sent, Instant::now(), clock_us);
        best = Some(best.map_or(observed, |best| best.more_precise(observed)));
    }
    best.ok_or_else(|| BusError::failed("ask for the coordinator's clock", last))
}

/// Measures the offset again and again, until the task is dropped.
pub(crate) async fn keep_measuring(bus: Bus, run: RunId, clock: RunClock, latest: LatestOffset) {
    loop {
        // Without an answer there is no measurement: a coordinator may be away.
        if let Ok(remote) = measure(&bus, &run).await {
            *latest.lock() = Some(offset_of(&remote, &clock));
        }
        tokio::time::sleep(MEASURE_INTERVAL).await;
    }
}

fn offset_of(remote: &RemoteClock, own: &RunClock) -> ClockOffset {
    let now = Instant::now();
    let offset_us = remote.reading_at_us(now) - own.elapsed_at(now).as_secs_f64() * 1e6;
    ClockOffset {
        offset_us,
        bound_us: remote.bound().as_secs_f64() * 1e6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offset_is_what_the_remote_clock_is_ahead() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let own = RunClock::starting_at(start);
        let remote = RemoteClock::observed(start + ms(100), start + ms(104), 107_000);
        let offset = offset_of(&remote, &own);
        assert!((offset.offset_us - 5_000.0).abs() < 1.0, "{offset:?}");
        assert_eq!(offset.bound_us, 2_000.0);
    }
}
