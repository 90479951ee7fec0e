//! The place from which a run is resumed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use highwater_reports::record::{
    RecordError, RecordLengths, RunEnd, files::CHECKPOINT, write_private,
};
use serde::{Deserialize, Serialize};

/// The state of a record at one instant: everything up to message `sequence` is in its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The lengths of the record's files.
    pub lengths: RecordLengths,
    /// Number in the stream of the last message that the record holds; 0 before the first.
    pub sequence: u64,
    /// The place of each worker, by its segment.
    pub workers: BTreeMap<u32, WorkerPlace>,
    /// Ids of the workers that are done or lost.
    pub ended: BTreeSet<String>,
    /// Whether a worker was lost.
    pub worker_lost: bool,
    /// The way the run is to end; `None` before the load, which is as good as completed.
    #[serde(default)]
    pub run_end: Option<RunEnd>,
}

/// The last interval of a worker that the record holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerPlace {
    /// The epoch of the worker's claim.
    pub epoch: u64,
    /// The second at which the interval ended.
    pub end: u64,
}

impl Checkpoint {
    /// Writes the checkpoint into a run's directory.
    ///
    /// # Errors
    /// When a file operation fails.
    pub fn write(&self, dir: &Path) -> Result<(), RecordError> {
        let text = serde_json::to_vec(self).map_err(|error| RecordError::Encode {
            file: CHECKPOINT,
            reason: error.to_string(),
        })?;
        write_private(&dir.join(CHECKPOINT), &text)
    }

    /// Reads the checkpoint of a run's directory.
    ///
    /// # Errors
    /// The cause, in words.
    pub fn read(dir: &Path) -> Result<Self, String> {
        let path = dir.join(CHECKPOINT);
        let read = fs::read(&path).map_err(|error| error.to_string());
        let parsed =
            read.and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()));
        parsed.map_err(|reason| format!("cannot read {}: {reason}", path.display()))
    }

    /// Removes the checkpoint of a run that has ended.
    pub fn remove(dir: &Path) {
        // One that stays does no harm: the run that it would resume is gone.
        let _ = fs::remove_file(dir.join(CHECKPOINT));
    }
}
