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
use highwater_process::Spawner;

use self::{systems::systems, table::Table};
use super::{
    harness_run::Bench,
    interrupt::Interrupt,
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
    // Before other threads start, because they inherit the blocked signals.
    let interrupt = Interrupt::block()?;
    let systems = options.selection.choose(systems())?;
    let bench = Bench {
        highwater: options.selection.highwater.clone(),
        spawner: Spawner::start()?,
        interrupt,
    };
    let mut rows = Vec::new();
    for system in systems {
        eprintln!("── {}", system.name);
        rows.push(measure::row(&bench, &system));
        bench.interrupt.check()?;
    }
    let measured = Measured::now();
    let table = Table { measured, rows };
    let text = table.to_string();
    eprintln!("\n{text}");
    match options.write {
        true => page::write(PLACE, &text),
        false => Ok(()),
    }
}
