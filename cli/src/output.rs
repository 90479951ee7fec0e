//! Results on stdout.

use std::io::{self, Write};

/// Prints a result on stdout. A closed pipe is ignored, because the reader wanted no
/// more.
pub(crate) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{}", text.trim_end());
    let _ = stdout.flush();
}
