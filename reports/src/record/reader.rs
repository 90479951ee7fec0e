//! Reading of a run record, in whatever state its writer left it.

use std::{ops::ControlFlow, path::Path};

use serde_json::Value;

use super::{
    IntervalRow, Latencies, Manifest, Phases, RECORD_SCHEMA, RecordError, RecordEvent, RunEnd,
    TimedEvent, files::MANIFEST, lock, open, schema1, stream::RecordStream, texts::escape_texts,
};

/// A run record in memory. Its histograms are merged while they are read, so that their size
/// does not grow with the run.
#[derive(Debug, Clone)]
pub struct RunRecord {
    /// Plan and machine.
    pub manifest: Manifest,
    /// Counters and gauges in the order of the file.
    pub intervals: Vec<IntervalRow>,
    /// Histograms.
    pub latencies: Latencies,
    /// Events in the order of the file.
    pub events: Vec<TimedEvent>,
    /// Starts of the phases.
    pub phases: Phases,
    /// Problems of reading, in words.
    pub problems: Vec<String>,
    /// Whether a process was writing the record when it was read.
    pub is_being_written: bool,
}

/// Reads the record in `dir`.
///
/// Torn last lines, invalid lines and files that a killed run did not write are left out, and
/// named in `problems`. Texts are as [`visible`](highwater_types::format::visible) shows them,
/// because workers, targets and the sender of a record may put anything into them.
///
/// # Errors
/// When the manifest cannot be read, has a schema other than 1 and 2, a file is not a regular
/// one or too long, or a file operation fails.
pub fn read(dir: &Path) -> Result<RunRecord, RecordError> {
    // Before the events: a run that ends in between has written its end by then.
    let is_being_written = lock::is_locked(dir);
    let manifest = read_manifest(dir)?;
    let mut problems = Vec::new();

    let stream = RecordStream::new(dir, &manifest);
    let events = stream.events(&mut problems)?;
    let mut intervals: Vec<IntervalRow> = Vec::new();
    stream.intervals(&mut problems, |row| {
        // Rows are kept one by one: charts and slopes need every sample.
        intervals.push(row);
        ControlFlow::Continue(())
    })?;

    // The phases are needed before the histograms, which are merged by phase.
    let end = intervals.iter().map(IntervalRow::end).fold(0.0, f64::max);
    let phases = Phases::new(&events, end);
    let mut latencies = Latencies::new(phases);
    stream.latencies(&mut problems, |line| {
        latencies.add(&line)?;
        Ok(ControlFlow::Continue(()))
    })?;
    latencies.merge_run_window();

    Ok(RunRecord {
        manifest,
        intervals,
        latencies,
        events,
        phases,
        problems,
        is_being_written,
    })
}

impl RunRecord {
    /// Returns the way the run ended: that of its last line. A run without one lasts or was
    /// killed.
    pub fn ended(&self) -> RunEnd {
        run_end(&self.events, self.is_being_written)
    }
}

/// Returns the way that a run with these events ended.
pub(crate) fn run_end(events: &[TimedEvent], is_being_written: bool) -> RunEnd {
    // The end is the last event of an orderly run, so the search starts from the back.
    let end = events.iter().rev().find_map(|event| match event.kind {
        RecordEvent::End { ended } => Some(ended),
        _ => None,
    });
    end.unwrap_or(match is_being_written {
        true => RunEnd::Running,
        false => RunEnd::Truncated,
    })
}

/// Reads the manifest of the record in `dir` alone.
///
/// # Errors
/// When it cannot be read, or has a schema other than 1 and 2.
pub fn read_manifest(dir: &Path) -> Result<Manifest, RecordError> {
    let path = &dir.join(MANIFEST);
    let text = open::read_whole(path)?;
    let invalid = |source| RecordError::Manifest {
        path: path.to_owned(),
        source,
    };
    let mut value: Value = serde_json::from_slice(&text).map_err(invalid)?;
    escape_texts(&mut value);
    // The schema is checked first, because another one may have another form.
    let schema = value.get("schema").and_then(Value::as_u64);
    // Saturated, so that no larger number passes for a known schema.
    match schema.map(|schema| u32::try_from(schema).unwrap_or(u32::MAX)) {
        Some(schema1::SCHEMA) => schema1::rename_plan(&mut value),
        None | Some(RECORD_SCHEMA) => {}
        Some(found) => {
            return Err(RecordError::Schema {
                path: path.to_owned(),
                found,
            });
        }
    }
    serde_json::from_value(value).map_err(invalid)
}
