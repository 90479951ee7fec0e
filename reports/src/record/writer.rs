//! Writing of a run record while the run lasts.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

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

    /// Goes on with the record of a writer that was killed. What it wrote after `lengths` is
    /// removed, because the new writer writes it again.
    ///
    /// # Errors
    /// [`RecordError::InUse`] when a run writes into the directory, and any error of the file
    /// system, such as a file that is shorter.
    pub fn resume(dir: &Path, lengths: RecordLengths) -> Result<Self, RecordError> {
        let lock = lock::lock(dir)?;
        Ok(Self {
            manifest: dir.join(MANIFEST),
            intervals: Appender::resume(dir, INTERVALS, lengths.intervals)?,
            latency: Appender::resume(dir, LATENCY, lengths.latency)?,
            events: Appender::resume(dir, EVENTS, lengths.events)?,
            encoder: hlog::HlogEncoder::default(),
            _lock: lock,
        })
    }

    /// Returns the lengths of the files, with everything that was appended.
    pub fn lengths(&self) -> RecordLengths {
        RecordLengths {
            intervals: self.intervals.length,
            latency: self.latency.length,
            events: self.events.length,
        }
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

/// The lengths of a record's files, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordLengths {
    /// Length of the file of counters and gauges.
    pub intervals: u64,
    /// Length of the file of histograms.
    pub latency: u64,
    /// Length of the file of events.
    pub events: u64,
}

/// A file that is only appended to.
struct Appender {
    name: &'static str,
    path: PathBuf,
    file: BufWriter<File>,
    /// Bytes of the file, with those that wait to be written.
    length: u64,
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
            length: 0,
        })
    }

    fn resume(dir: &Path, name: &'static str, length: u64) -> Result<Self, RecordError> {
        let path = dir.join(name);
        let io = RecordError::io("write", &path);
        let open = || {
            let file = OpenOptions::new().append(true).open(&path)?;
            if file.metadata()?.len() < length {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            file.set_len(length)?;
            Ok(file)
        };
        let file = open().map_err(io)?;
        Ok(Self {
            name,
            path,
            file: BufWriter::new(file),
            length,
        })
    }

    fn append_json(&mut self, value: &impl Serialize) -> Result<(), RecordError> {
        let mut line = encode(self.name, serde_json::to_vec(value))?;
        line.push(b'\n');
        self.append(&line)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        let written = self.file.write_all(bytes);
        written.map_err(RecordError::io("write", &self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::record::{RecordEvent, Source, SourceRole};

    fn manifest() -> Manifest {
        let scenario = "name = \"w\"\nduration = \"1s\"\n[target]\nws = \"ws://h/?d={device}\"\n\
                        [[devices]]\nname = \"home\"\ncount = 1\nramp = \"1/s\"\n\
                        heartbeat = \"1s\"\n";
        serde_json::from_value(serde_json::json!({
            "schema": 2,
            "started_at": "2026-01-02T03:04:05Z",
            "plan": highwater_scenarios::parse("w.toml", scenario, &[]).unwrap(),
            "scenario_text": scenario,
            "sets": [],
            "workers": 1,
            "versions": {},
            "host": {},
        }))
        .unwrap()
    }

    fn interval(at: f64) -> Interval {
        Interval {
            at,
            length: 1.0,
            source: Source::new(SourceRole::Worker, "w1"),
            counters: Default::default(),
            gauges: Default::default(),
        }
    }

    #[test]
    fn resumed_record_has_no_line_behind_the_lengths() {
        let dir = std::env::temp_dir().join(format!("highwater-writer-{}", std::process::id()));
        let mut writer = RecordWriter::create(&dir, &manifest()).unwrap();
        writer.append_interval(&interval(0.0)).unwrap();
        let lengths = writer.lengths();
        writer.append_interval(&interval(1.0)).unwrap();
        writer.flush().unwrap();
        assert!(matches!(
            RecordWriter::resume(&dir, lengths),
            Err(RecordError::InUse(_))
        ));
        drop(writer);
        // The death of a writer may leave half a line.
        let torn = fs::read(dir.join(INTERVALS)).unwrap();
        fs::write(dir.join(INTERVALS), [&torn[..], b"{\"at\":2"].concat()).unwrap();
        let mut writer = RecordWriter::resume(&dir, lengths).unwrap();
        assert_eq!(writer.lengths(), lengths);
        writer.append_interval(&interval(5.0)).unwrap();
        let kind = RecordEvent::Problem {
            text: "resumed".to_owned(),
        };
        writer.append_event(&TimedEvent { at: 5.0, kind }).unwrap();
        writer.flush().unwrap();
        drop(writer);
        let record = crate::read(&dir).unwrap();
        assert_eq!(record.problems, Vec::<String>::new());
        let at: Vec<f64> = record.intervals.iter().map(|row| row.at).collect();
        assert_eq!(at, [0.0, 5.0]);
        let longer = RecordLengths {
            latency: lengths.latency + 1,
            ..lengths
        };
        assert!(RecordWriter::resume(&dir, longer).is_err());
        fs::remove_dir_all(&dir).unwrap();
    }
}
