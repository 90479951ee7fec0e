//! The part of a run that a comparison keeps. Records are large, and there may be many.

use std::{collections::BTreeMap, path::Path};

use highwater_types::format::visible;

use super::estimate::{Estimate, estimates};
use crate::{
    analysis::{analyse, run_window::RunWindow, source_series::RecordSeries},
    charts::{ChartContext, RunTrace},
    record::{Manifest, RecordError, RunEnd, RunRecord, read},
    summary::Summary,
};

/// A run of a comparison.
pub(super) struct ComparedRun {
    /// Name of the run's directory.
    pub(super) name: String,
    pub(super) manifest: Manifest,
    pub(super) ended: RunEnd,
    pub(super) summary: Summary,
    /// Metrics of the registry, by path.
    pub(super) estimates: BTreeMap<String, Estimate>,
    /// Lines for the charts.
    pub(super) trace: RunTrace,
}

impl ComparedRun {
    pub(super) fn read(dir: &Path) -> Result<Self, RecordError> {
        let name = dir.file_name().unwrap_or(dir.as_os_str());
        // A directory may have any name, and the page shows it.
        let name = visible(&name.to_string_lossy()).into_owned();
        Ok(Self::of(name, &read(dir)?))
    }

    fn of(name: String, record: &RunRecord) -> Self {
        let summary = analyse(record);
        let sources = RecordSeries::new(&record.intervals);
        let window = RunWindow::whole_run(record, &sources);
        Self {
            name,
            manifest: record.manifest.clone(),
            ended: record.ended(),
            estimates: estimates(record, &summary),
            // The lines are taken now, because the record is dropped afterwards.
            trace: RunTrace::of(&ChartContext::of(&window)),
            summary,
        }
    }
}
