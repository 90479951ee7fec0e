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

/// What was found at one instant.
pub struct Round {
    /// Of every process and the machine.
    pub samples: Vec<Interval>,
    /// What is wrong with the sampling, in words.
    pub problems: Vec<String>,
}

/// Rounds of samples that wait to be written.
const QUEUE: usize = 16;

/// Starts to sample `system`, the machine and this process at each whole
/// second until `stop`.
pub fn watch(
    system: System,
    clock: RunClock,
    stop: CancellationToken,
) -> Result<mpsc::Receiver<Round>, RunError> {
    let mut sampler = Sampler::new(&system.access().trust)?;
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
            let mut samples = sampler.sample(at, &system.sampled()).await;
            samples.push(own(at));
            let problems = problems(&system, sampler.take_failures());
            if tell.send(Round { samples, problems }).await.is_err() {
                return;
            }
        }
    });
    Ok(told)
}

/// Nodes of a cluster fall silent because an event kills or stalls them, and their
/// record says so; a target's endpoint that cannot be read is a mistake.
fn problems(system: &System, failures: Vec<(Source, String)>) -> Vec<String> {
    match system {
        System::Cluster(_) => Vec::new(),
        System::Target(_) => failures
            .into_iter()
            .map(|(source, reason)| format!("{} gives no figures: {reason}", source.id))
            .collect(),
    }
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
