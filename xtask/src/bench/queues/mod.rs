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
use highwater_process::Spawner;

use self::{systems::systems, table::Table};
use super::{
    harness_run::Bench,
    interrupt::Interrupt,
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
        rows.push(measure::row(&bench, &system)?);
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
