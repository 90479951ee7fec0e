//! Everything before the go: claims, capacities, ready workers.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{FutureExt, StreamExt};
use highwater_scenarios::{Segment, plan::SystemSpec};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{session::BusSession, watch::read_all};
use crate::{
    bus::{WorkerCapacity, WorkerState, WorkerStatus, documents::SILENT_AFTER},
    coordinator::{
        error::RunError,
        options::BusWorkers,
        progress::NoteKind,
        start_notes::{NOTE_INTERVAL, StartNotes},
    },
    sampling::host_name,
};

/// Time between two looks at the workers.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Most refusals of processes that are shown.
const MAX_SHOWN_REFUSALS: usize = 16;
/// Most characters of a refusal that are shown.
const MAX_REFUSAL_CHARS: usize = 300;

/// The workers that a start has seen.
#[derive(Default)]
struct Seen {
    /// The last status of each segment's worker, and when it changed.
    workers: BTreeMap<u32, (WorkerStatus, Instant)>,
    refusals: usize,
}

/// Waits until every segment has a worker that is ready, and notes meanwhile which ones are
/// missing.
///
/// # Errors
/// If the plan does not fit the workers' machines, if a worker cannot take part, or if some
/// are missing after the join timeout.
pub(in crate::coordinator) async fn wait_until_ready(
    session: &mut BusSession,
    workers: &BusWorkers,
    notes: &StartNotes,
) -> Result<(), RunError> {
    let started = Instant::now();
    let deadline = started + workers.join_timeout;
    let mut next_note = started + NOTE_INTERVAL;
    let mut looks = interval(LOOK_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut seen = Seen::default();
    let superseded = session.control.superseded();
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = superseded.cancelled() => return Err(RunError::Superseded),
            () = sleep(deadline.saturating_duration_since(Instant::now())) => {
                return Err(seen.not_ready(workers));
            }
        }
        seen.note_refusals(session, notes);
        // A bus that is away, or that has just started, is waited for up to the deadline.
        if let Ok(Some(statuses)) = read_all(&session.store, workers.count).await {
            seen.add(statuses);
        }
        seen.check(session, workers)?;
        if seen.ready() == workers.count {
            return Ok(());
        }
        if Instant::now() >= next_note {
            next_note += NOTE_INTERVAL;
            let left = deadline.saturating_duration_since(Instant::now());
            notes.add(NoteKind::Event, seen.text(workers, started.elapsed(), left));
        }
    }
}

impl Seen {
    fn add(&mut self, statuses: BTreeMap<u32, WorkerStatus>) {
        let now = Instant::now();
        for (index, status) in statuses {
            let last = self.workers.get(&index);
            if last.is_none_or(|(last, _)| *last != status) {
                self.workers.insert(index, (status, now));
            }
        }
    }

    /// Returns the ids of the segments' workers that are alive.
    fn alive(&self) -> impl Iterator<Item = (u32, &WorkerStatus)> {
        let now = Instant::now();
        let workers = self.workers.iter();
        workers
            .filter(move |(_, (_, seen))| now - *seen < SILENT_AFTER)
            .map(|(index, (status, _))| (*index, status))
    }

    fn ready(&self) -> u32 {
        let ready = self.alive();
        ready
            .filter(|(_, status)| status.state == WorkerState::Ready)
            .count() as u32
    }

    /// Fails as soon as it is clear that the run cannot begin.
    fn check(&self, session: &BusSession, workers: &BusWorkers) -> Result<(), RunError> {
        for (index, status) in self.alive() {
            if let WorkerState::Left(reason) = &status.state {
                return Err(RunError::WorkerFailedBeforeStart {
                    id: format!("w{}", index + 1),
                    reason: reason.clone(),
                });
            }
        }
        self.check_reach(session)?;
        let mut machines: BTreeMap<&str, Vec<(Segment, WorkerCapacity)>> = BTreeMap::new();
        for (index, status) in self.alive() {
            if let Ok(segment) = Segment::new(index, workers.count) {
                let own = machines.entry(status.capacity.host.as_str()).or_default();
                own.push((segment, status.capacity.clone()));
            }
        }
        // Before all have joined: one machine that is too small is enough.
        let plan = &session.document.plan;
        let misfits = machines.iter().flat_map(|(host, own)| {
            let misfits = (workers.misfits)(plan, own).into_iter();
            misfits.map(move |misfit| format!("on {host}: {misfit}"))
        });
        let misfits: Vec<String> = misfits.collect();
        match misfits.is_empty() {
            true => Ok(()),
            false => Err(RunError::PlanDoesNotFit(misfits.join("; "))),
        }
    }

    /// Refuses workers of other machines for a cluster that listens on loopback.
    fn check_reach(&self, session: &BusSession) -> Result<(), RunError> {
        if !matches!(session.document.plan.system, SystemSpec::Cluster(_)) {
            return Ok(());
        }
        let own = host_name();
        let elsewhere = self.alive().find(|(_, status)| status.capacity.host != own);
        elsewhere.map_or(Ok(()), |(index, status)| {
            Err(RunError::ClusterOutOfReach {
                worker: format!("w{}", index + 1),
                machine: status.capacity.host.clone(),
            })
        })
    }

    /// Shows why processes do not take part, such as those of another version.
    fn note_refusals(&mut self, session: &mut BusSession, notes: &StartNotes) {
        while let Some(Some(refusal)) = session.refusals.next().now_or_never() {
            self.refusals += 1;
            if self.refusals <= MAX_SHOWN_REFUSALS {
                let text = String::from_utf8_lossy(&refusal.payload);
                let text: String = text.chars().take(MAX_REFUSAL_CHARS).collect();
                let text = format!("a worker does not take part: {}", text.escape_debug());
                notes.add(NoteKind::Problem, text);
            }
        }
    }

    fn not_ready(&self, workers: &BusWorkers) -> RunError {
        RunError::WorkersNotReady {
            ready: self.ready(),
            wanted: workers.count,
            after: workers.join_timeout,
            rejected: self.refusals as u64,
        }
    }

    fn text(&self, workers: &BusWorkers, waited: Duration, left: Duration) -> String {
        let alive: Vec<u32> = self.alive().map(|(index, _)| index).collect();
        let missing = (0..workers.count).filter(|index| !alive.contains(index));
        let missing: Vec<String> = missing.take(8).map(|index| index.to_string()).collect();
        let mut text = format!(
            "waiting for workers for {} s: {} of {} are ready",
            waited.as_secs(),
            self.ready(),
            workers.count
        );
        if !missing.is_empty() {
            text += &format!(
                ", index {} {} not joined (highwater worker --bus ADDRESS --run {})",
                missing.join(", "),
                if missing.len() == 1 { "has" } else { "have" },
                workers.run
            );
        }
        text + &format!("; the start fails in {} s", left.as_secs())
    }
}
