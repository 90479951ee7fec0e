//! The progress of a run on stderr.
//!
//! - [`display`]: receives the run's updates on a thread of its own;
//! - [`live`]: on a terminal, lines that are written over in place;
//! - [`screen`]: those lines, as a pure function of how the run stands, made of
//!   [`phase_line`], [`load_lines`] and [`node_table`];
//! - [`plain`]: elsewhere, a line now and then;
//! - [`line`](mod@line): a line of the live display.

mod display;
#[cfg(test)]
mod fixtures;
mod live;
mod load_lines;
mod node_table;
mod phase_line;
mod plain;
mod screen;
mod styled_line;

pub(crate) use display::ProgressDisplay;
