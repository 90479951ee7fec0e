//! `cargo xtask bench backplanes`: every backplane of the reference cluster under the same
//! loads, in one run on one machine.
//!
//! ```text
//! options ─► systems ─► measure ─► row ─► table ─► page
//!               │          ▲
//!            services   harness_run
//!                          ▲
//!                xtask/backplanes/*.toml
//! ```
//!
//! - [`options`]: the command line; [`systems`]: the backplanes with their brokers;
//! - [`measure`]: all runs of one backplane; [`row`]: their figures; [`table`]: the rows in
//!   Markdown.

mod measure;
mod options;
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

pub(crate) use self::options::BackplanesOptions;

/// The place of the table.
const PLACE: TablePlace = TablePlace {
    page: "docs/backplanes.md",
    name: "backplanes-table",
};

/// Measures every backplane, prints the table, and writes it into the page if asked to.
pub(crate) fn run(options: &BackplanesOptions) -> Result<()> {
    let rows = Bench::measure(&options.selection, systems(), |bench, system| {
        Ok(measure::row(bench, system))
    })?;
    let measured = Measured::now();
    let table = Table { measured, rows };
    page::publish(PLACE, &table.to_string(), options.write)
}
