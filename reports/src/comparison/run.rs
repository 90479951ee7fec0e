//! What a comparison keeps of a run: its record is large, and there may be many.

use std::{collections::BTreeMap, path::Path};

use super::estimate::{Estimate, estimates};
use crate::{
    analysis::{analyse, run_window::Cut, source_series::Tracks},
    charts::{Scene, Trace},
    record::{Ended, Manifest, RecordError, RunRecord, read},
    summary::Summary,
};

/// A run of a comparison.
pub(super) struct Run {
    /// Its directory's name.
    pub(super) name: String,
    pub(super) manifest: Manifest,
    pub(super) ended: Ended,
    pub(super) summary: Summary,
    /// The catalogue's figures, by path.
    pub(super) estimates: BTreeMap<String, Estimate>,
    /// For the charts.
    pub(super) trace: Trace,
}

impl Run {
    pub(super) fn read(dir: &Path) -> Result<Self, RecordError> {
        let name = dir.file_name().unwrap_or(dir.as_os_str());
        Ok(Self::of(name.to_string_lossy().into_owned(), &read(dir)?))
    }

    fn of(name: String, record: &RunRecord) -> Self {
        let summary = analyse(record);
        let tracks = Tracks::new(&record.intervals);
        let cut = Cut::whole(record, &tracks);
        Self {
            name,
            manifest: record.manifest.clone(),
            ended: record.ended(),
            estimates: estimates(record, &summary),
            trace: Trace::of(&Scene::of(&cut)),
            summary,
        }
    }
}
