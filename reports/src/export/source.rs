//! The facts of a run that an export knows before it reads the lines.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use highwater_scenarios::plan::PhaseWindow;

use super::{error::ExportError, samples::SampleInstant};
use crate::record::{
    Manifest, Phases, RecordStream, RunEnd, TimedEvent, is_locked, read_manifest, run_end,
};

/// A run that is exported.
pub(super) struct ExportSource {
    /// Directory of the record.
    pub(super) dir: PathBuf,
    /// Plan and machine.
    pub(super) manifest: Manifest,
    /// Events in the order of the file.
    pub(super) events: Vec<TimedEvent>,
    /// Starts of the phases.
    pub(super) phases: Phases,
    /// The way the run ended.
    pub(super) ended: RunEnd,
    /// Problems of reading, in words.
    pub(super) problems: Vec<String>,
}

impl ExportSource {
    /// Reads manifest and events of the record in `dir`.
    pub(super) fn read(dir: &Path) -> Result<Self, ExportError> {
        // Before the events: a run that ends in between has written its end by then.
        let is_being_written = is_locked(dir);
        let manifest = read_manifest(dir)?;
        let mut problems = Vec::new();
        let events = RecordStream::new(dir, &manifest).events(&mut problems)?;
        Ok(Self {
            dir: dir.to_owned(),
            // The end of the last phase is open, so the length of the record does not matter.
            phases: Phases::new(&events, 0.0),
            ended: run_end(&events, is_being_written),
            manifest,
            events,
            problems,
        })
    }

    /// Returns the name of the run: that of its directory.
    pub(super) fn name(&self) -> String {
        let absolute = std::path::absolute(&self.dir).unwrap_or_else(|_| self.dir.clone());
        let name = absolute.file_name().unwrap_or_default();
        highwater_types::format::visible(&name.to_string_lossy()).into_owned()
    }

    /// Returns the time of the run's second `at` in UTC.
    pub(super) fn utc(&self, at: f64) -> DateTime<Utc> {
        // Beyond any date are only times of a damaged record.
        let micros = TimeDelta::microseconds((at * 1e6).round() as i64);
        let started = self.manifest.started_at;
        started.checked_add_signed(micros).unwrap_or(started)
    }

    /// Returns the phase at the run's second `at`.
    pub(super) fn phase(&self, at: f64) -> Option<&'static str> {
        let phases = [PhaseWindow::Ramp, PhaseWindow::Steady, PhaseWindow::Drain];
        let mut phases = phases.into_iter();
        let found = phases.find(|phase| {
            let range = self.phases.range(*phase);
            range.is_some_and(|range| range.contains(&at))
        });
        found.map(<&str>::from)
    }

    /// Returns the time of a line that starts at `at` and is `length_s` seconds long. Its middle
    /// decides its phase, as it does in the summary.
    pub(super) fn instant(&self, at: f64, length_s: f64) -> SampleInstant {
        // The record has microseconds at most; a sum of floats has digits beyond them.
        let t = ((at + length_s) * 1e6).round() / 1e6;
        SampleInstant {
            utc: self.utc(t),
            t,
            length_s,
            phase: self.phase(at + length_s / 2.0),
        }
    }
}
