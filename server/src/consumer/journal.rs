//! The journal of a consumer: a line for each handled record, written before the record
//! is acknowledged. `docs/protocol.md` specifies the format.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use crate::ingest::Telemetry;

/// An error of opening or writing a journal.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the journal {}", path.display())]
pub struct JournalError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// An append-only file. Flushed lines are with the kernel, so they survive the death of
/// this process.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Lines that are not flushed.
    lines: Vec<u8>,
}

#[derive(Serialize)]
struct JournalLine<'a> {
    /// Milliseconds since 1970, to the microsecond.
    at: f64,
    device: &'a str,
    id: &'a str,
    redelivered: bool,
}

impl Journal {
    /// Opens a journal, new or of an earlier process, without an incomplete last line. It may
    /// be a pipe or a device, such as `/dev/stdout`.
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError {
            action: "open",
            path: path.to_owned(),
            source,
        };
        let options = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .clone();
        let mut file = options.open(path).map_err(failed)?;
        // A pipe or a device keeps nothing that could be incomplete.
        if file.metadata().map_err(failed)?.is_file() {
            // Otherwise the first new line would continue the incomplete one. Its record was
            // never acknowledged.
            let complete = complete_lines_len(&mut file).map_err(failed)?;
            file.set_len(complete).map_err(failed)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            lines: Vec::new(),
        })
    }

    /// Adds a record for the next [`Journal::flush`].
    pub(super) fn append(&mut self, telemetry: &Telemetry, redelivered: bool) {
        let at = SystemTime::now().duration_since(UNIX_EPOCH);
        let line = JournalLine {
            // Exact: a double has room for such microseconds for two centuries.
            at: at.map_or(0.0, |since| since.as_micros() as f64 / 1e3),
            device: telemetry.device.as_str(),
            id: telemetry.id.as_str(),
            redelivered,
        };
        // Writing names and numbers to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.lines, &line);
        self.lines.push(b'\n');
    }

    /// Writes the added records to the file.
    pub(super) fn flush(&mut self) -> Result<(), JournalError> {
        let written = self.file.write_all(&self.lines);
        self.lines.clear();
        written.map_err(|source| JournalError {
            action: "write",
            path: self.path.clone(),
            source,
        })
    }
}

/// Length of the file up to and with its last line feed.
fn complete_lines_len(file: &mut File) -> io::Result<u64> {
    // From the end, in steps, because a journal may be long.
    const STEP: u64 = 4096;
    let mut end = file.metadata()?.len();
    let mut step = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        step.clear();
        (&mut *file).take(end - start).read_to_end(&mut step)?;
        if let Some(at) = step.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    fn telemetry(id: &str) -> Telemetry {
        Telemetry {
            device: "home-1".parse().unwrap(),
            id: id.parse().unwrap(),
            body: "1".to_owned(),
        }
    }

    #[test]
    fn pipe_and_device_take_lines() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let pipe = format!("/proc/self/fd/{}", writer.as_raw_fd());
        for path in [Path::new("/dev/null"), Path::new(&pipe)] {
            let mut journal = Journal::open(path).unwrap();
            journal.append(&telemetry("0-1"), false);
            journal.flush().unwrap();
        }
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert!(text.contains(r#""id":"0-1""#), "{text}");
    }

    #[test]
    fn incomplete_last_line_is_removed_and_others_stay() {
        let path = std::env::temp_dir().join(format!("journal-{}.jsonl", std::process::id()));
        let mut journal = Journal::open(&path).unwrap();
        journal.append(&telemetry("0-1"), false);
        journal.append(&telemetry("0-2"), true);
        journal.flush().unwrap();
        let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
        torn.write_all(&[b'x'; 10_000]).unwrap();
        drop((journal, torn));

        let mut journal = Journal::open(&path).unwrap();
        journal.append(&telemetry("0-3"), false);
        journal.flush().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let ids: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| (line["id"].clone(), line["redelivered"].clone()))
            .collect();
        assert_eq!(
            serde_json::json!(ids),
            serde_json::json!([["0-1", false], ["0-2", true], ["0-3", false]])
        );
    }
}
