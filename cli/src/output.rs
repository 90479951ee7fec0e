//! Results on stdout.

use std::io::{self, Write};

use highwater_types::escape_controls;

/// Prints a result on stdout, without characters that act on a terminal. A closed pipe is
/// ignored, because the reader wanted no more.
pub(crate) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{}", escape_controls(text.trim_end()));
    let _ = stdout.flush();
}
