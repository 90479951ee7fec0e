//! Directories of runs that never began.
//!
//! A start that fails leaves its reason and its logs. The same command must work once the
//! reason is gone, so a new record may take the place of such a directory's content.

use std::{fs, path::Path};

use super::{
    RecordError, RecordEvent, RunEnd, TimedEvent,
    files::{CHARTS, CHECKPOINT, EVENTS, INTERVALS, JUNIT, LATENCY, LOGS, MANIFEST, PAGE, SUMMARY},
    lines,
};

/// Names of everything that a run and its report write.
const OWN_FILES: [&str; 10] = [
    MANIFEST, CHECKPOINT, INTERVALS, LATENCY, EVENTS, LOGS, SUMMARY, PAGE, JUNIT, CHARTS,
];

/// Whether the directory holds a run that ended before its load began, without other files.
pub fn is_failed_start(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else {
        return false;
    };
    let is_own = |entry: fs::DirEntry| OWN_FILES.iter().any(|name| entry.file_name() == *name);
    let mut entries = entries.peekable();
    if entries.peek().is_none() || !entries.all(|entry| entry.is_ok_and(is_own)) {
        return false;
    }
    let is_regular = |name| {
        let metadata = fs::symlink_metadata(dir.join(name));
        metadata.ok().filter(fs::Metadata::is_file)
    };
    // Intervals are written from the start of the load on.
    let no_intervals = is_regular(INTERVALS).is_some_and(|metadata| metadata.len() == 0);
    is_regular(MANIFEST).is_some() && no_intervals && ended_before_its_load(dir)
}

/// Removes what a failed start left.
pub(super) fn clear(dir: &Path) -> Result<(), RecordError> {
    for name in OWN_FILES {
        let path = dir.join(name);
        let removed = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(_) => Ok(()),
        };
        removed.map_err(RecordError::io("remove", &path))?;
    }
    Ok(())
}

/// Whether the last event is an end, and none is a phase.
fn ended_before_its_load(dir: &Path) -> bool {
    let mut problems = Vec::new();
    let (mut has_end, mut has_phase) = (false, false);
    let read = lines::for_each_line(dir, EVENTS, &mut problems, |line| {
        let event: TimedEvent = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        has_phase |= matches!(event.kind, RecordEvent::Phase { .. });
        has_end = matches!(
            event.kind,
            RecordEvent::End {
                ended: RunEnd::Aborted | RunEnd::Interrupted
            }
        );
        Ok(())
    });
    read.is_ok() && problems.is_empty() && has_end && !has_phase
}
