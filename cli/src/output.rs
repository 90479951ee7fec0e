//! Results on stdout.

use std::io::{self, Write};

use highwater_types::format::visible;

use crate::stderr;

/// Prints a result that contains text from elsewhere, such as a record's.
pub(crate) fn print_foreign(text: &str) {
    print(&visible(text));
}

/// Prints a line with colours, whose foreign parts are visible already. On anything but a
/// terminal it has no colours.
pub(crate) fn print_painted(line: &str) {
    stderr::flush();
    let mut stdout = io::stdout().lock();
    // The reader may want no more, as for every result.
    let _ = writeln!(stdout, "{line}");
    let _ = stdout.flush();
}

/// Prints a result on stdout. A closed pipe is ignored, because the reader wanted no
/// more.
pub(crate) fn print(text: &str) {
    // On a terminal, notes that came before stand above the result.
    stderr::flush();
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{}", visible(text.trim_end()));
    let _ = stdout.flush();
}
