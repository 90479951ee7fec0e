//! Samples every process, once a second, beside everything else.

use highwater_reports::record::{Interval, Role, Source};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::{error::RunError, system::System};
use crate::{
    clock::RunClock,
    sampling::{Sampler, own_process},
};

/// Rounds of samples that wait to be written.
const QUEUE: usize = 16;

/// Starts to sample `system`, the machine and this process at each whole
/// second until `stop`.
pub fn watch(
    system: System,
    clock: RunClock,
    stop: CancellationToken,
) -> Result<mpsc::Receiver<Vec<Interval>>, RunError> {
    let mut sampler = Sampler::new()?;
    let (tell, told) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let first = clock.second(clock.now().as_secs());
        let mut ticks = interval_at(first, std::time::Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let at = clock.now().as_secs_f64();
            let mut round = sampler.sample(at, &system.sampled()).await;
            round.push(own(at));
            if tell.send(round).await.is_err() {
                return;
            }
        }
    });
    Ok(told)
}

fn own(at: f64) -> Interval {
    Interval {
        at,
        length: 0.0,
        source: Source::new(Role::Coordinator, "coordinator"),
        counters: Default::default(),
        gauges: own_process(),
    }
}
