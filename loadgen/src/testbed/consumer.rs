//! A consumer of telemetry: a process that starts again with its journal.

use std::{path::PathBuf, time::Duration};

use highwater_reports::record::{Source, SourceRole};

use super::{
    TestbedError,
    cluster_process::{ClusterProcess, ProcessStatus, running_child},
    context::ClusterContext,
    launcher::{LaunchArgs, Launcher},
    readiness,
};
use crate::{
    broker::driver::CONSUMER_GROUP,
    sampling::{SampleEndpoint, SampleTarget},
};

/// The longest time for a consumer to finish the telemetry that it has not acknowledged.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A consumer.
#[derive(Debug)]
pub(super) struct ConsumerProcess {
    /// The process.
    pub(super) process: ClusterProcess,
    /// The file in which the consumer writes a line for each telemetry record it has handled.
    pub(super) journal: PathBuf,
}

/// Returns the consumers that a scenario asks for. None of them runs yet.
pub(super) fn create_consumers(count: u32, launcher: &Launcher) -> Vec<ConsumerProcess> {
    let consumer = |number| {
        let id = format!("c{number}");
        ConsumerProcess {
            journal: launcher.log_dir.join(format!("{id}.journal.jsonl")),
            process: ClusterProcess::new(&id, &launcher.log_dir),
        }
    };
    (1..=count).map(consumer).collect()
}

impl ConsumerProcess {
    /// Starts the consumer and waits until it is ready. A consumer that runs is ended in
    /// order first.
    pub(super) async fn restart(&self, context: &ClusterContext) -> Result<(), TestbedError> {
        let mut slot = self.process.child.lock().await;
        self.process.stop_child(&mut slot, STOP_TIMEOUT).await;
        let spec = &context.spec.consumers;
        let processing_time = format!("{}ms", spec.processing_time.as_millis());
        let mut args = LaunchArgs::new(["--id", &self.process.id, "--group", CONSUMER_GROUP]);
        args.push_option("--processing-time", processing_time);
        args.push_option("--drop-every", spec.drop_every.to_string());
        args.push_option("--journal", &self.journal);
        args.extend(context.brokers.consumer_args());
        // Port 0: no client keeps a consumer's address, so any free port will do.
        let launch = context
            .launcher
            .serve("consumer", 0, args, &self.process.log);
        let launched = context.launcher.spawn_listening(&self.process.id, launch);
        let (child, address) = launched.await?;
        // Recorded before it is ready, so that a stop meanwhile ends it in order.
        self.process.set_running(&mut slot, child, address);
        let child = running_child(&mut slot, &self.process.id)?;
        let process = &self.process;
        let ready = readiness::wait_until_serving(context, process, child, "http", address).await;
        if ready.is_err() {
            self.process.forget_child(&mut slot);
        }
        ready
    }

    /// Ends the consumer in order.
    pub(super) async fn stop(&self) {
        self.process.stop(STOP_TIMEOUT).await;
    }

    /// Returns the consumer for the sampler; `None` before its first start.
    pub(super) fn sample_target(&self) -> Option<SampleTarget> {
        let ProcessStatus { address, pid } = *self.process.status.lock();
        let address = address?;
        let url = format!("http://{address}/metrics");
        Some(SampleTarget::new(
            Source::new(SourceRole::Consumer, &self.process.id),
            pid,
            Some(SampleEndpoint::prometheus(url)),
        ))
    }
}
