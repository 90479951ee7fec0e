//! `cargo xtask bench queues`: every telemetry queue of the reference cluster under the same
//! loads, in one run on one machine.
//!
//! ```text
//! options ─► systems ─► measure ─► row ─► table ─► page
//!               │          ▲
//!            services   harness_run ─► record ─► handled
//!                          ▲
//!                  xtask/queues/*.toml
//! ```
//!
//! - [`options`]: the command line; [`systems`]: the queues with their brokers;
//! - [`measure`]: all runs of one queue; [`record`]: what a run's record says beyond its summary;
//!   [`handled`]: pauses, waits and order, from the consumers' journals;
//! - [`row`]: the figures of one queue; [`table`]: the rows in Markdown.

mod handled;
mod measure;
mod options;
mod record;
mod row;
mod systems;
mod table;

use anyhow::Result;

use self::{systems::systems, table::Table};
use super::{
    harness_run::Bench,
    measured::Measured,
    page::{self, TablePlace},
};

pub(crate) use self::options::QueuesOptions;

/// The place of the table.
const PLACE: TablePlace = TablePlace {
    page: "docs/consumers.md",
    name: "queues-table",
};

/// Measures every queue, prints the table, and writes it into the page if asked to.
pub(crate) fn run(options: &QueuesOptions) -> Result<()> {
    let rows = Bench::measure(&options.selection, systems(), measure::row)?;
    let measured = Measured::now();
    let table = Table { measured, rows };
    page::publish(PLACE, &table.to_string(), options.write)
}
