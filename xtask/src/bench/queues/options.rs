//! The command line of the comparison.

use clap::Args;

use crate::bench::selection::Selection;

/// The command line of the comparison.
#[derive(Args)]
pub(crate) struct QueuesOptions {
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Replace the table in docs/consumers.md
    #[arg(long)]
    pub(super) write: bool,
}
