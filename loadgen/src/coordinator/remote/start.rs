//! The start of a run over the bus, and of one that a coordinator left behind.

use std::path::Path;

use highwater_reports::record::{RecordEvent, RunEnd};
use highwater_scenarios::plan::{PhaseWindow, SystemSpec};
use tokio_util::sync::CancellationToken;

use super::{checkpoint::Checkpoint, join::wait_until_ready, link::BusLink, session::BusSession};
use crate::{
    bus::Control,
    coordinator::{
        error::RunError, interrupt::unless_interrupted, options::BusWorkers, phases::RunPhase,
        start_notes::StartNotes, system::RunningSystem,
    },
};

/// A run on the bus whose system runs.
pub(in crate::coordinator) struct BusStart<'r> {
    /// The run on the bus.
    pub(in crate::coordinator) session: BusSession,
    /// The document that workers knew before this coordinator.
    pub(in crate::coordinator) control: Control,
    /// The place of the record and the stream.
    pub(in crate::coordinator) checkpoint: Checkpoint,
    /// The directory of the record.
    pub(in crate::coordinator) out: &'r Path,
}

/// A run on the bus whose workers are ready, or at work.
pub(in crate::coordinator) struct BusStarted {
    /// The link to the workers.
    pub(in crate::coordinator) link: BusLink,
    /// The place from which the stream is read.
    pub(in crate::coordinator) checkpoint: Checkpoint,
    /// The progress of a run that a coordinator left behind; `None` for one that begins.
    pub(in crate::coordinator) left: Option<LeftPhase>,
}

/// The progress of a run that a coordinator left behind.
#[derive(Debug, Clone, Copy)]
pub struct LeftPhase {
    /// Second of the run's clock at which the ramp started.
    pub ramp_second: u64,
    /// The phase that its workers know of.
    pub phase: RunPhase,
    /// The last phase in its record.
    pub recorded: Option<PhaseWindow>,
    /// Whether a worker was lost.
    pub worker_lost: bool,
    /// The way the run is to end.
    pub ended: RunEnd,
}

impl BusStart<'_> {
    /// Waits until all workers are ready, or goes on where a coordinator left the run.
    pub(in crate::coordinator) async fn start(
        mut self,
        workers: &BusWorkers,
        system: &RunningSystem,
        notes: &StartNotes,
        interrupt: &CancellationToken,
    ) -> Result<BusStarted, RunError> {
        let left = self.left_phase(system);
        if left.is_none() {
            let waiting = self.wait_until_ready(workers, system, notes);
            let ready = unless_interrupted(interrupt, waiting).await;
            if let Err(error) = ready {
                self.session.end_start(&error).await;
                return Err(error);
            }
        }
        Ok(BusStarted {
            link: BusLink::new(self.session, &self.checkpoint),
            checkpoint: self.checkpoint,
            left,
        })
    }

    async fn wait_until_ready(
        &mut self,
        workers: &BusWorkers,
        system: &RunningSystem,
        notes: &StartNotes,
    ) -> Result<(), RunError> {
        let access = system.access();
        if matches!(system, RunningSystem::Cluster(_)) && access.signer.is_some() {
            return Err(RunError::SecretInPlan(
                "the key that signs the tokens of the cluster's devices".to_owned(),
            ));
        }
        let is_cluster = matches!(self.session.plan().system, SystemSpec::Cluster(_));
        self.session.control.change(|control| {
            control.endpoints = system.endpoints();
            // Workers read the files of a target's certificates themselves.
            control.tls_verify = is_cluster.then_some(access.tls_verify);
        });
        wait_until_ready(&mut self.session, workers, notes).await
    }

    /// Returns how far the run is; `None` for one whose workers have not had their go.
    fn left_phase(&self, system: &RunningSystem) -> Option<LeftPhase> {
        let go = self.control.go?;
        let plan = self.session.plan();
        let phase = match (self.control.steady, self.control.drain) {
            (Some(from), Some(until)) if until > from => RunPhase::Steady { from, until },
            (_, Some(from)) => RunPhase::Drain { from },
            // The coordinator died between the two announcements.
            (Some(from), None) => {
                let until = from + plan.duration.as_secs_f64().ceil() as u64;
                self.session
                    .control
                    .change(|control| control.drain = Some(until));
                RunPhase::Steady { from, until }
            }
            (None, None) => RunPhase::Ramp,
        };
        self.session
            .control
            .change(|control| control.endpoints = system.endpoints());
        Some(LeftPhase {
            ramp_second: go.ramp_second,
            phase,
            recorded: self.recorded_phase(),
            worker_lost: self.checkpoint.worker_lost,
            ended: self.checkpoint.run_end.unwrap_or(RunEnd::Completed),
        })
    }

    /// Returns the last phase in the record.
    fn recorded_phase(&self) -> Option<PhaseWindow> {
        let record = highwater_reports::read(self.out).ok()?;
        let mut events = record.events.iter().rev();
        events.find_map(|event| match &event.kind {
            RecordEvent::Phase { phase } => Some(*phase),
            _ => None,
        })
    }
}
