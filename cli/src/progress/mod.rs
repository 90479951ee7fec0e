//! The progress of a run on stderr.
//!
//! - [`display`]: receives the run's updates on a thread of its own;
//! - [`live`]: on a terminal, lines that are written over in place;
//! - [`screen`]: those lines, as a pure function of the progress, made of
//!   [`phase_line`], [`load_lines`] and [`node_table`];
//! - [`plain`]: elsewhere, a line now and then.
//!
//! The redraw is kept by hand. indicatif 0.18 pads each line to the terminal's width and
//! counts rows at the width of the last draw. In a terminal that becomes narrower, it
//! leaves stale rows among the notes for the rest of the run. Its cursor also rests
//! behind the last line, where the echo of a Ctrl-C stays.

mod display;
#[cfg(test)]
mod fixtures;
mod live;
mod load_lines;
mod node_table;
mod phase_line;
mod plain;
mod screen;

pub(crate) use display::ProgressDisplay;
