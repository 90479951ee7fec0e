//! Writing of a run record while the run lasts.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    Interval, Manifest, RecordError, TimedEvent,
    atomic::{self, PRIVATE_MODE},
    failed_start,
    files::{EVENTS, INTERVALS, LATENCY, MANIFEST},
    hlog, lock,
};
use crate::histogram::LatencyHistogram;

/// A writer that appends to a run record. After a [`flush`](Self::flush) the kernel has all
/// lines, so the death of this process loses none.
pub struct RecordWriter {
    manifest: PathBuf,
    intervals: Appender,
    latency: Appender,
    events: Appender,
    encoder: hlog::HlogEncoder,
    /// The locked directory: readers see that the run lasts.
    _lock: File,
}

impl RecordWriter {
    /// Starts a record in `dir`, creating it where needed. The files of a run that never
    /// began are replaced. Only the owner may read the record's files.
    ///
    /// # Errors
    /// [`RecordError::NotEmpty`] when the directory has other files already,
    /// [`RecordError::InUse`] when a run writes into it, and any error of the file system.
    pub fn create(dir: &Path, manifest: &Manifest) -> Result<Self, RecordError> {
        fs::create_dir_all(dir).map_err(RecordError::io("create", dir))?;
        let lock = lock::lock(dir)?;
        // Appending to another record would mix two runs.
        let mut present = fs::read_dir(dir).map_err(RecordError::io("read", dir))?;
        if present.next().is_some() {
            if !failed_start::is_failed_start(dir) {
                return Err(RecordError::NotEmpty(dir.to_owned()));
            }
            failed_start::clear(dir)?;
        }
        let path = dir.join(MANIFEST);
        // The manifest comes first: without it no reader knows what the other files are.
        write_manifest(&path, manifest)?;

        let mut writer = Self {
            manifest: path,
            intervals: Appender::create(dir, INTERVALS)?,
            latency: Appender::create(dir, LATENCY)?,
            events: Appender::create(dir, EVENTS)?,
            encoder: hlog::HlogEncoder::default(),
            _lock: lock,
        };
        let head = encode(LATENCY, hlog::header(manifest.started_at))?;
        writer.latency.append(&head)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Replaces the manifest by a more complete one. The file is whole at any instant.
    ///
    /// # Errors
    /// When a file operation fails.
    pub fn replace_manifest(&self, manifest: &Manifest) -> Result<(), RecordError> {
        write_manifest(&self.manifest, manifest)
    }

    /// Appends an interval.
    ///
    /// # Errors
    /// When a file operation fails.
    pub fn append_interval(&mut self, interval: &Interval) -> Result<(), RecordError> {
        self.intervals.append_json(interval)
    }

    /// Appends a histogram of microseconds for `length_s` seconds from `at_s` on the run's clock.
    /// An empty histogram is left out.
    ///
    /// # Errors
    /// When a file operation fails, or `tag` has a comma, a space or a line break.
    pub fn append_latency(
        &mut self,
        tag: &str,
        at_s: f64,
        length_s: f64,
        histogram: &LatencyHistogram,
    ) -> Result<(), RecordError> {
        if histogram.is_empty() {
            return Ok(());
        }
        let line = self.encoder.line(tag, at_s, length_s, histogram);
        self.latency.append(encode(LATENCY, line)?.as_bytes())
    }

    /// Appends an event.
    ///
    /// # Errors
    /// When a file operation fails.
    pub fn append_event(&mut self, event: &TimedEvent) -> Result<(), RecordError> {
        self.events.append_json(event)
    }

    /// Writes everything appended so far to the kernel.
    ///
    /// # Errors
    /// When a file operation fails.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        // Events go first: a reader needs the phases to place the other lines.
        self.events.flush()?;
        self.intervals.flush()?;
        self.latency.flush()
    }
}

/// A file that is only appended to.
struct Appender {
    name: &'static str,
    path: PathBuf,
    file: BufWriter<File>,
}

impl Appender {
    fn create(dir: &Path, name: &'static str) -> Result<Self, RecordError> {
        let path = dir.join(name);
        let mut options = OpenOptions::new();
        // `create_new` fails for an existing file, should two runs start at once.
        options.append(true).create_new(true).mode(PRIVATE_MODE);
        let file = options
            .open(&path)
            .map_err(RecordError::io("create", &path))?;
        Ok(Self {
            name,
            path,
            file: BufWriter::new(file),
        })
    }

    fn append_json(&mut self, value: &impl Serialize) -> Result<(), RecordError> {
        let mut line = encode(self.name, serde_json::to_vec(value))?;
        line.push(b'\n');
        self.append(&line)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.file
            .write_all(bytes)
            .map_err(RecordError::io("write", &self.path))
    }

    fn flush(&mut self) -> Result<(), RecordError> {
        self.file
            .flush()
            .map_err(RecordError::io("write", &self.path))
    }
}

fn write_manifest(path: &Path, manifest: &Manifest) -> Result<(), RecordError> {
    let mut text = encode(MANIFEST, serde_json::to_vec_pretty(manifest))?;
    text.push(b'\n');
    atomic::write_private(path, &text)
}

fn encode<T, E: ToString>(file: &'static str, result: Result<T, E>) -> Result<T, RecordError> {
    result.map_err(|error| RecordError::Encode {
        file,
        reason: error.to_string(),
    })
}
