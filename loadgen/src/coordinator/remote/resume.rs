//! A run of a coordinator that died, taken over by this one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use highwater_reports::record::{RecordWriter, read_manifest};
use highwater_scenarios::plan::SystemSpec;
use tokio::time::{Instant, sleep};

use super::{
    checkpoint::Checkpoint,
    session::{BusSession, new_name},
};
use crate::{
    bus::{
        BusError, Control, RunDocument, RunStore, Stored,
        documents::{BUS_PROTOCOL, CONTROL_KEY, RUN_KEY, SILENT_AFTER},
    },
    clock::RunClock,
    coordinator::{
        error::RunError,
        options::{BusWorkers, RunOptions},
        recorder::{RunRecorder, record_length_s},
    },
};

/// A run that was taken over.
pub struct ResumedRun {
    /// The run on the bus.
    pub session: BusSession,
    /// The record, cut to the checkpoint.
    pub recorder: RunRecorder,
    /// The state of the run as the last coordinator left it.
    pub control: Control,
    /// The place from which the stream is read.
    pub checkpoint: Checkpoint,
}

/// Takes the run of `workers` over, once its coordinator shows no sign of life.
///
/// # Errors
/// If there is no such run or no record of it, if its coordinator lives, or if the scenario
/// is another one.
pub async fn resume(options: &RunOptions, workers: &BusWorkers) -> Result<ResumedRun, RunError> {
    let bus = workers.bus.connect("highwater coordinator").await?;
    let store = RunStore::open(&bus, &workers.run).await?;
    let no_run = || BusError::NoRun {
        run: workers.run.to_string(),
        waited: Duration::ZERO,
    };
    let store = store.ok_or_else(no_run)?;
    let document = store.read::<RunDocument>(RUN_KEY).await?;
    let document = document.ok_or_else(no_run)?.value;
    check_document(&document, options, workers)?;
    let found = wait_for_silence(&store, workers).await?;
    let clock = clock_of(&found.value, workers)?;
    // After the silence: until then the other coordinator may have written a newer one.
    let checkpoint = Checkpoint::read(&options.out).map_err(|reason| cannot(workers, reason))?;
    let manifest = read_manifest(&options.out)?;
    // Before the run is taken over, because a coordinator that lives has the record's lock.
    let writer = RecordWriter::resume(&options.out, checkpoint.lengths)?;
    let mut control = found.value.clone();
    control.coordinator = new_name();
    control.beat += 1;
    let revision = match store.update(CONTROL_KEY, &control, found.revision).await {
        Err(BusError::Conflict { .. }) => return Err(RunError::Superseded),
        revision => revision?,
    };
    let length_s = record_length_s(&options.plan);
    let session = BusSession::open(
        bus,
        workers.run.clone(),
        store,
        document,
        control.clone(),
        revision,
        clock,
    );
    Ok(ResumedRun {
        session: session.await?,
        recorder: RunRecorder::new(writer, manifest, clock, length_s),
        control,
        checkpoint,
    })
}

fn cannot(workers: &BusWorkers, reason: impl Into<String>) -> RunError {
    RunError::CannotResume {
        run: workers.run.to_string(),
        reason: reason.into(),
    }
}

fn check_document(
    document: &RunDocument,
    options: &RunOptions,
    workers: &BusWorkers,
) -> Result<(), RunError> {
    if document.protocol != BUS_PROTOCOL {
        return Err(cannot(
            workers,
            format!(
                "its version is {} (protocol {}), and this one's {} (protocol {BUS_PROTOCOL})",
                document.version,
                document.protocol,
                env!("CARGO_PKG_VERSION")
            ),
        ));
    }
    if !matches!(options.plan.system, SystemSpec::Target(_)) {
        return Err(cannot(
            workers,
            "its cluster ended with its coordinator; only a run against a [target] goes on",
        ));
    }
    // As text, because a plan on the bus has no rows of data files.
    let text = |plan| serde_json::to_string(plan).unwrap_or_default();
    if text(&document.plan) != text(&options.plan) {
        return Err(cannot(
            workers,
            "the scenario is not the one that it began with",
        ));
    }
    if document.workers != workers.count {
        let count = document.workers;
        return Err(cannot(workers, format!("it has {count} workers")));
    }
    Ok(())
}

/// Waits until the control document has not changed for [`SILENT_AFTER`].
async fn wait_for_silence(
    store: &RunStore,
    workers: &BusWorkers,
) -> Result<Stored<Control>, RunError> {
    let mut last: Option<(Stored<Control>, Instant)> = None;
    let mut changes = 0;
    loop {
        let found = store.read::<Control>(CONTROL_KEY).await?;
        let found = found.ok_or_else(|| cannot(workers, "it was never complete"))?;
        match &last {
            Some((last, since)) if *last == found => {
                if since.elapsed() >= SILENT_AFTER {
                    return Ok(found);
                }
            }
            _ => {
                changes += 1;
                last = Some((found, Instant::now()));
            }
        }
        // The first is what was found, and one more may have been on its way.
        if changes > 2 {
            return Err(cannot(workers, "its coordinator is alive"));
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// Returns the run's clock, which goes on from its instant 0.
fn clock_of(control: &Control, workers: &BusWorkers) -> Result<RunClock, RunError> {
    let now = Instant::now();
    let Some(go) = control.go else {
        // Nothing has happened at any time of the old clock.
        return Ok(RunClock::starting_at(now));
    };
    let unix = SystemTime::now().duration_since(UNIX_EPOCH);
    let unix_us = unix.unwrap_or_default().as_micros() as u64;
    let since = Duration::from_micros(unix_us.saturating_sub(go.origin_unix_us));
    let origin = now.checked_sub(since);
    let origin = origin.ok_or_else(|| cannot(workers, "this machine was started after it"))?;
    Ok(RunClock::starting_at(origin))
}
