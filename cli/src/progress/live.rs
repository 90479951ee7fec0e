//! The display on a terminal: some lines that are written over in place, and
//! above them, scrolling, what happened.
//!
//! The cursor stands at the start of the line below the display, where the
//! echo of a Ctrl-C does no harm, and no mode of the terminal is changed: there
//! is nothing to restore, however the program ends.

use console::Term;
use highwater_loadgen::coordinator::{NoteKind, Progress, ProgressNote};
use highwater_types::format::live::clock;

use super::{
    screen::{TerminalSize, screen},
    styled_line::StyledLine,
};
use crate::paint::{Tone, colour_on_stderr, paint};

/// Erases what is right of the cursor, then goes to the next line.
const END_OF_LINE: &str = "\x1b[K\n";
/// Erases everything below the cursor.
const ERASE_BELOW: &str = "\x1b[J";

/// A display on the terminal that stderr is.
pub(crate) struct LiveDisplay {
    terminal: Term,
    colour: bool,
    /// Columns of each line that is on the screen.
    drawn: Vec<usize>,
    last: Progress,
}

impl LiveDisplay {
    /// Draws how a run stands that has not begun.
    pub(crate) fn new() -> Self {
        let mut live = Self {
            terminal: Term::stderr(),
            colour: colour_on_stderr(),
            drawn: Vec::new(),
            last: Progress::default(),
        };
        live.draw(
            "",
            &[StyledLine::of(
                Tone::Strong,
                "starting: nodes and workers get ready",
            )],
        );
        live
    }

    /// Draws how the run stands now.
    pub(crate) fn progress(&mut self, progress: Progress) {
        self.last = progress;
        self.redraw("");
    }

    /// Writes above what happened.
    pub(crate) fn note(&mut self, note: &ProgressNote) {
        let text = note_text(note, self.colour);
        self.redraw(&text);
    }

    fn redraw(&mut self, above: &str) {
        let lines = screen(&self.last, self.size());
        self.draw(above, &lines);
    }

    /// Everything in one write, over what is there: nothing flickers.
    fn draw(&mut self, above: &str, lines: &[StyledLine]) {
        let size = self.size();
        let mut text = to_the_top(&self.drawn, size.width);
        for line in above.lines() {
            text.push_str(line);
            text.push_str(END_OF_LINE);
        }
        // A full line would leave the cursor in a place that terminals do not
        // agree on.
        let width = size.width.saturating_sub(1);
        for line in lines {
            text.push_str(&line.render(width, self.colour));
            text.push_str(END_OF_LINE);
        }
        text.push_str(ERASE_BELOW);
        self.drawn = lines.iter().map(|line| line.width().min(width)).collect();
        self.write(&text);
    }

    fn size(&self) -> TerminalSize {
        let (height, width) = self.terminal.size();
        TerminalSize {
            width: width.into(),
            height: height.into(),
        }
    }

    /// Writes to the terminal. Errors are ignored, because a closed terminal must not end a
    /// run.
    fn write(&self, text: &str) {
        let _ = self.terminal.write_str(text);
    }
}

/// Leaves what happened, and takes the rest away.
impl Drop for LiveDisplay {
    fn drop(&mut self) {
        let top = to_the_top(&self.drawn, self.size().width);
        self.write(&format!("{top}{ERASE_BELOW}"));
    }
}

/// Returns the escape sequence that moves the cursor to the first drawn line. `drawn`
/// holds the columns of each line, because a terminal that became narrower has wrapped
/// them.
fn to_the_top(drawn: &[usize], width: usize) -> String {
    let broken = |columns: &usize| columns.div_ceil(width.max(1)).max(1);
    match drawn.iter().map(broken).sum::<usize>() {
        0 => "\r".to_owned(),
        rows => format!("\r\x1b[{rows}A"),
    }
}

fn note_text(note: &ProgressNote, colour: bool) -> String {
    let at = paint(&clock(note.at), Tone::Faint, colour);
    match note.kind {
        NoteKind::Event => format!("{at}  {}", paint(&note.text, Tone::Strong, colour)),
        NoteKind::Problem => {
            let problem = paint("problem", Tone::Bad, colour);
            format!("{at}  {problem}  {}", note.text)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_way_to_the_top_follows_the_terminals_width() {
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
            note_text(&note, false)
        };
        assert_eq!(text(NoteKind::Event), "00:31  n2 ended");
        assert_eq!(text(NoteKind::Problem), "00:31  problem  n2 ended");
    }
}
