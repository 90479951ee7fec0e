//! Results on stdout.

use std::io::{self, Write};

use highwater_types::format::visible;

use crate::{failure::CliFailure, stderr};

/// Prints a result that contains text from elsewhere, such as a record's.
///
/// # Errors
/// When the result cannot be written, so that it is lost.
pub(crate) fn print_foreign(text: &str) -> Result<(), CliFailure> {
    print(&visible(text))
}

/// Prints a line with colours, whose foreign parts are visible already. On anything but a
/// terminal it has no colours.
pub(crate) fn print_painted(line: &str) {
    stderr::flush();
    let mut stdout = io::stdout().lock();
    // Shown while the device runs: the result behind it tells that stdout takes no more.
    let _ = writeln!(stdout, "{line}");
    let _ = stdout.flush();
}

/// Prints a result on stdout.
///
/// # Errors
/// When the result cannot be written, so that it is lost.
pub(crate) fn print(text: &str) -> Result<(), CliFailure> {
    // On a terminal, notes that came before stand above the result.
    stderr::flush();
    write(io::stdout().lock(), text).map_err(CliFailure::output)
}

/// Prints what a command does not depend on: its exit code, its files or its service say what
/// it is for. If the text cannot be written, stderr says so.
pub(crate) fn print_lossy(text: &str) {
    if let Err(failure) = print_foreign(text) {
        failure.print();
    }
}

fn write(mut stdout: impl Write, text: &str) -> io::Result<()> {
    writeln!(stdout, "{}", visible(text.trim_end()))?;
    // What is left in the buffer would be written at the end, where no error is seen.
    stdout.flush()
}
