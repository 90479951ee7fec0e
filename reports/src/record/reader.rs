//! Reading of a run record, in whatever state its writer left it.

use std::{borrow::Cow, path::Path};

use highwater_types::format::visible;
use serde_json::Value;

use super::{
    IntervalRow, Latencies, Manifest, Phases, RECORD_SCHEMA, RecordError, RecordEvent, RunEnd,
    TimedEvent,
    files::{EVENTS, INTERVALS, LATENCY, MANIFEST},
    hlog, interval_row, lines, lock, open, schema1,
    texts::escape_texts,
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
/// named in `problems`. Texts are as [`visible`] shows them, because workers, targets
/// and the sender of a record may put anything into them.
///
/// # Errors
/// When the manifest cannot be read, has a schema other than 1 and 2, a file is not a regular
/// one or too long, or a file operation fails.
pub fn read(dir: &Path) -> Result<RunRecord, RecordError> {
    // Before the events: a run that ends in between has written its end by then.
    let is_being_written = lock::is_locked(dir);
    let manifest = read_manifest(dir)?;
    let is_schema1 = manifest.schema == schema1::SCHEMA;
    let mut problems = Vec::new();

    let mut events: Vec<TimedEvent> = Vec::new();
    lines::for_each_line(dir, EVENTS, &mut problems, |line| {
        events.push(match is_schema1 {
            true => schema1::event(line)?,
            false => event(line).map_err(|error| error.to_string())?,
        });
        Ok(())
    })?;
    let mut intervals: Vec<IntervalRow> = Vec::new();
    let mut decoder = match is_schema1 {
        true => interval_row::IntervalDecoder::with_renamed(schema1::renamed),
        false => interval_row::IntervalDecoder::default(),
    };
    lines::for_each_line(dir, INTERVALS, &mut problems, |line| {
        // Rows are kept one by one: charts and slopes need every sample.
        intervals.push(decoder.line(line)?);
        Ok(())
    })?;

    // The phases are needed before the histograms, which are merged by phase.
    let end = intervals.iter().map(IntervalRow::end).fold(0.0, f64::max);
    let phases = Phases::new(&events, end);
    let mut latencies = Latencies::new(phases);
    let mut decoder = hlog::HlogDecoder::default();
    lines::for_each_line(dir, LATENCY, &mut problems, |line| {
        if let Some(mut line) = decoder.line(line)? {
            if is_schema1 && let Some(tag) = schema1::renamed(&line.tag) {
                line.tag = tag;
            }
            if let Cow::Owned(escaped) = visible(&line.tag) {
                line.tag = escaped;
            }
            latencies.add(&line)?;
        }
        Ok(())
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
        // The end is the last event of an orderly run, so the search starts from the back.
        let end = self.events.iter().rev().find_map(|event| match event.kind {
            RecordEvent::End { ended } => Some(ended),
            _ => None,
        });
        end.unwrap_or(match self.is_being_written {
            true => RunEnd::Running,
            false => RunEnd::Truncated,
        })
    }
}

fn event(line: &[u8]) -> serde_json::Result<TimedEvent> {
    let mut value: Value = serde_json::from_slice(line)?;
    escape_texts(&mut value);
    serde_json::from_value(value)
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
