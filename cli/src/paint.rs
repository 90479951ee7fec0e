//! Colours, each for one meaning of a text.
//!
//! A style writes no escape sequence while colours are off, and widths are measured
//! without escape sequences.

use std::io::{self, IsTerminal};

use console::{Style, measure_text_width};

/// The value to read first.
pub(crate) const STRONG: Style = Style::new().for_stderr().bold();
/// Labels, and values that are usual.
pub(crate) const FAINT: Style = Style::new().for_stderr().dim();
/// A part that moves.
pub(crate) const ACTIVE: Style = Style::new().for_stderr().cyan();
/// A warning.
pub(crate) const WARNING: Style = Style::new().for_stderr().yellow();
/// An error.
pub(crate) const BAD: Style = Style::new().for_stderr().red().bold();

/// Turns the colours of stderr and of stdout off unless it is a terminal and `NO_COLOR` is
/// unset.
pub(crate) fn init_colours() {
    // CLICOLOR_FORCE alone would also colour a file or a pipe, which tools read.
    let enabled = io::stderr().is_terminal() && console::colors_enabled_stderr();
    console::set_colors_enabled_stderr(enabled);
    let enabled = io::stdout().is_terminal() && console::colors_enabled();
    console::set_colors_enabled(enabled);
}

/// Appends `text` to a line that then still fits `width` columns.
pub(crate) fn push_if_fits(line: &mut String, width: usize, text: &str) {
    if measure_text_width(line) + measure_text_width(text) <= width {
        line.push_str(text);
    }
}
