//! The task that samples every process once a second.

use highwater_reports::record::{Interval, Source, SourceRole};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::{error::RunError, system::RunningSystem};
use crate::{
    clock::RunClock,
    sampling::{Sampler, gauges::sample_interval, own_process},
};

/// The samples of one instant.
pub struct SampleRound {
    /// One per process, and one of the machine; none in the last round, which has only the
    /// problems of the whole run.
    pub samples: Vec<Interval>,
    /// Problems with the sampling, as text.
    pub problems: Vec<String>,
}

/// Rounds that wait to be written. The sampler waits when there are more.
const SAMPLE_QUEUE_LEN: usize = 16;

/// Starts to sample `system`, the machine and this process at each whole second until
/// `stop` is cancelled.
pub fn spawn_sampler(
    system: RunningSystem,
    clock: RunClock,
    stop: CancellationToken,
) -> Result<mpsc::Receiver<SampleRound>, RunError> {
    let verification = system.access().tls_verify;
    let mut sampler = Sampler::authorized(&verification, system.admin_token().as_ref())?;
    let (sender, rounds) = mpsc::channel(SAMPLE_QUEUE_LEN);
    tokio::spawn(async move {
        let first = clock.instant_of_second(clock.now().as_secs());
        let mut ticks = interval_at(first, std::time::Duration::from_secs(1));
        // After a stall one sample is enough: several at one instant show nothing more.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => {
                    let problems = sampling_problems(&system, sampler.named_metric_problems());
                    // The receiver is gone if the run failed, and its error says more.
                    let _ = sender.send(SampleRound { samples: Vec::new(), problems }).await;
                    return;
                }
            }
            let at = clock.now().as_secs_f64();
            let mut samples = sampler.sample(at, &system.sample_targets()).await;
            let own = Source::new(SourceRole::Coordinator, "coordinator");
            samples.push(sample_interval(at, own, own_process()));
            let problems = sampling_problems(&system, sampler.take_failures());
            let round = SampleRound { samples, problems };
            // The run has ended: nothing records samples any more.
            if sender.send(round).await.is_err() {
                return;
            }
        }
    });
    Ok(rounds)
}

/// Returns the endpoints of a target that cannot be read: most likely a mistake in the
/// scenario. A cluster's node may not answer because an event killed or stalled it, and
/// the record has that event.
fn sampling_problems(system: &RunningSystem, failures: Vec<(Source, String)>) -> Vec<String> {
    match system {
        RunningSystem::Cluster(_) => Vec::new(),
        RunningSystem::Target(_) => failures
            .into_iter()
            .map(|(source, reason)| format!("cannot sample {}: {reason}", source.id))
            .collect(),
    }
}
