//! Samples every process, once a second, beside everything else.

use highwater_reports::record::{Interval, Source, SourceRole};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::{error::RunError, system::RunningSystem};
use crate::{
    clock::RunClock,
    sampling::{Sampler, own_process},
};

/// What was found at one instant.
pub struct SampleRound {
    /// Of every process and the machine.
    pub samples: Vec<Interval>,
    /// What is wrong with the sampling, in words.
    pub problems: Vec<String>,
}

/// Rounds of samples that wait to be written.
const SAMPLE_QUEUE_LEN: usize = 16;

/// Starts to sample `system`, the machine and this process at each whole
/// second until `stop`.
pub fn spawn_sampler(
    system: RunningSystem,
    clock: RunClock,
    stop: CancellationToken,
) -> Result<mpsc::Receiver<SampleRound>, RunError> {
    let mut sampler = Sampler::new(&system.access().tls_verify)?;
    let (tell, told) = mpsc::channel(SAMPLE_QUEUE_LEN);
    tokio::spawn(async move {
        let first = clock.instant_of_second(clock.now().as_secs());
        let mut ticks = interval_at(first, std::time::Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let at = clock.now().as_secs_f64();
            let mut samples = sampler.sample(at, &system.sample_targets()).await;
            samples.push(own_interval(at));
            let problems = sampling_problems(&system, sampler.take_failures());
            if tell.send(SampleRound { samples, problems }).await.is_err() {
                return;
            }
        }
    });
    Ok(told)
}

/// Nodes of a cluster fall silent because an event kills or stalls them, and their
/// record says so; a target's endpoint that cannot be read is a mistake.
fn sampling_problems(system: &RunningSystem, failures: Vec<(Source, String)>) -> Vec<String> {
    match system {
        RunningSystem::Cluster(_) => Vec::new(),
        RunningSystem::Target(_) => failures
            .into_iter()
            .map(|(source, reason)| format!("{} gives no figures: {reason}", source.id))
            .collect(),
    }
}

fn own_interval(at: f64) -> Interval {
    Interval {
        at,
        length: 0.0,
        source: Source::new(SourceRole::Coordinator, "coordinator"),
        counters: Default::default(),
        gauges: own_process(),
    }
}
