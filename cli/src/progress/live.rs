//! The display on a terminal: lines that are written over in place, and events and
//! problems that scroll above them.
//!
//! The cursor stands at the start of the line below the display, where the echo of a
//! Ctrl-C does no harm. No mode of the terminal is changed, so nothing has to be restored
//! when the program ends.

use console::{Term, measure_text_width, truncate_str};
use highwater_loadgen::coordinator::{NoteKind, Progress, ProgressNote};
use highwater_types::format::{live::clock, visible};

use super::screen::screen;
use crate::{
    paint::{BAD, FAINT, STRONG},
    stderr,
};

/// Erases what is right of the cursor, then goes to the next line.
const END_OF_LINE: &str = "\x1b[K\n";
/// Erases everything below the cursor.
const ERASE_BELOW: &str = "\x1b[J";

/// A display on the terminal that stderr is.
pub(crate) struct LiveDisplay {
    terminal: Term,
    /// Columns of each line that is on the screen.
    drawn: Vec<usize>,
    last: Progress,
}

impl LiveDisplay {
    /// Draws the state of a run that has not begun.
    pub(crate) fn new() -> Self {
        let mut live = Self {
            terminal: Term::stderr(),
            drawn: Vec::new(),
            last: Progress::default(),
        };
        // The first update comes only when nodes and workers are ready.
        let starting = STRONG.apply_to("starting: nodes and workers get ready");
        live.draw("", &[starting.to_string()]);
        live
    }

    /// Draws the current state of the run.
    pub(crate) fn progress(&mut self, progress: Progress) {
        self.last = progress;
        self.redraw("");
    }

    /// Writes an event or a problem above the display.
    pub(crate) fn note(&mut self, note: &ProgressNote) {
        self.redraw(&note_text(note));
    }

    fn redraw(&mut self, above: &str) {
        let (height, width) = self.terminal.size();
        let lines = screen(&self.last, width.into(), height.into());
        self.draw(above, &lines);
    }

    fn draw(&mut self, above: &str, lines: &[String]) {
        let width = usize::from(self.terminal.size().1);
        let mut text = to_the_top(&self.drawn, width);
        // A note may be wider than the terminal: it wraps, and stays in the scrollback whole.
        for line in above.lines() {
            text.push_str(line);
            text.push_str(END_OF_LINE);
        }
        // A full line would leave the cursor in a place that terminals do not
        // agree on.
        let width = width.saturating_sub(1);
        self.drawn.clear();
        for line in lines {
            let line = truncate_str(line, width, "…");
            self.drawn.push(measure_text_width(&line));
            text.push_str(&line);
            text.push_str(END_OF_LINE);
        }
        text.push_str(ERASE_BELOW);
        // One write over the old lines, so that nothing flickers.
        stderr::print(&text);
    }
}

/// Erases the display. The notes above it stay.
impl Drop for LiveDisplay {
    fn drop(&mut self) {
        self.draw("", &[]);
    }
}

/// Returns the escape sequence that moves the cursor to the first drawn line. `drawn`
/// holds the columns of each line, because a terminal that became narrower has wrapped
/// them.
fn to_the_top(drawn: &[usize], width: usize) -> String {
    // An empty line takes a row, too.
    let rows_of = |columns: &usize| columns.div_ceil(width.max(1)).max(1);
    match drawn.iter().map(rows_of).sum::<usize>() {
        // `ESC [ 0 A` would move up by one row, because terminals read 0 as 1.
        0 => "\r".to_owned(),
        rows => format!("\r\x1b[{rows}A"),
    }
}

fn note_text(note: &ProgressNote) -> String {
    let at = FAINT.apply_to(clock(note.at));
    // A note may quote another process, whose text must not move the cursor.
    let text = visible(&note.text);
    match note.kind {
        NoteKind::Event => format!("{at}  {}", STRONG.apply_to(text)),
        NoteKind::Problem => format!("{at}  {}  {text}", BAD.apply_to("problem")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use console::strip_ansi_codes;

    use super::*;

    #[test]
    fn way_to_the_top_counts_the_rows_of_wrapped_lines() {
        assert_eq!(to_the_top(&[], 80), "\r");
        assert_eq!(to_the_top(&[79, 0, 40], 80), "\r\x1b[3A");
        assert_eq!(to_the_top(&[79, 0, 40], 40), "\r\x1b[4A");
        assert_eq!(to_the_top(&[79, 0, 40], 20), "\r\x1b[7A");
    }

    #[test]
    fn unplanned_event_is_called_a_problem() {
        let text = |kind| {
            let note = ProgressNote {
                at: Duration::from_secs(31),
                kind,
                text: "n2 ended".to_owned(),
            };
            strip_ansi_codes(&note_text(&note)).into_owned()
        };
        assert_eq!(text(NoteKind::Event), "00:31  n2 ended");
        assert_eq!(text(NoteKind::Problem), "00:31  problem  n2 ended");
    }
}
