//! Files of lines whose writer may have been killed.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read},
    ops::ControlFlow,
    path::Path,
};

use super::{
    RecordError,
    open::{MAX_LINES_BYTES, open_regular},
};

/// Most bytes of a line. The longest ones are the configurations of balancers, with some
/// hundred kilobytes.
const MAX_LINE_BYTES: u64 = 16 << 20;

/// Calls `each` for every whole line of `dir/name`.
///
/// A missing file, lines that `each` rejects and a torn last line are left out, and named in
/// `problems`.
pub(crate) fn for_each_line(
    dir: &Path,
    name: &str,
    problems: &mut Vec<String>,
    mut each: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), RecordError> {
    for_each_line_until(dir, name, problems, |line| {
        each(line).map(ControlFlow::Continue)
    })
}

/// Calls `each` for the whole lines of `dir/name` until it breaks, and leaves out the same lines
/// as [`for_each_line`].
pub(crate) fn for_each_line_until(
    dir: &Path,
    name: &str,
    problems: &mut Vec<String>,
    mut each: impl FnMut(&[u8]) -> Result<ControlFlow<()>, String>,
) -> Result<(), RecordError> {
    let path = dir.join(name);
    let file = match open_regular(&path, MAX_LINES_BYTES) {
        Ok(file) => file,
        // A run that was killed early did not create every file.
        Err(RecordError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            problems.push(format!("{name} is missing from the record"));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    // A long record has hundreds of megabytes, so it is read in large pieces.
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut line = Vec::new();
    let mut number = 0_u64;
    let mut skipped = SkippedLines::default();
    loop {
        line.clear();
        let mut limited = reader.by_ref().take(MAX_LINE_BYTES);
        let read = limited.read_until(b'\n', &mut line);
        let read = read.map_err(RecordError::io("read", &path))?;
        if read == 0 {
            break;
        }
        number += 1;
        if read as u64 == MAX_LINE_BYTES && line.last() != Some(&b'\n') {
            let rest = reader.skip_until(b'\n');
            rest.map_err(RecordError::io("read", &path))?;
            skipped.note(number, format!("it has more than {MAX_LINE_BYTES} bytes"));
            continue;
        }
        // A writer that was killed leaves its last line without a line feed.
        if line.last() != Some(&b'\n') {
            problems.push(format!("the last line of {name} is torn and was left out"));
            break;
        }
        match each(&line) {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => break,
            Err(reason) => skipped.note(number, reason),
        }
    }
    problems.extend(skipped.problem(name));
    Ok(())
}

/// The lines that were left out: their number, and the first of them.
#[derive(Default)]
struct SkippedLines {
    count: u64,
    first: Option<(u64, String)>,
}

impl SkippedLines {
    fn note(&mut self, line: u64, reason: String) {
        self.count += 1;
        self.first.get_or_insert((line, reason));
    }

    fn problem(self, name: &str) -> Option<String> {
        let (line, reason) = self.first?;
        Some(format!(
            "{} of {name} could not be read and were left out, the first at line {line}: {reason}",
            match self.count {
                1 => "1 line".to_owned(),
                count => format!("{count} lines"),
            }
        ))
    }
}
