//! `cargo xtask bench backplanes`: every backplane of the reference cluster under the same
//! loads, in one run on one machine.
//!
//! ```text
//! options ─► system ─► measure ─► row ─► table ─► page
//!              │          ▲
//!           services   run ─► summary
//!                       ▲
//!                xtask/backplanes/*.toml
//! ```
//!
//! - [`options`]: the command line; [`system`]: a backplane and the broker that it needs;
//! - [`run`]: one run of Highwater's binary with a scenario of `xtask/backplanes/`; [`summary`]:
//!   the part of its summary that is read; [`phase`]: the instant at which its steady phase began;
//! - [`measure`]: all runs of one backplane; [`row`]: their figures; [`table`]: the rows in
//!   Markdown.

mod measure;
mod options;
mod phase;
mod row;
mod run;
mod summary;
mod system;
mod table;

use anyhow::Result;
use highwater_process::Spawner;

use self::{run::Bench, system::System, table::Table};
use super::{
    command_line::command_line,
    interrupt::Interrupt,
    machine::Machine,
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
    options.check()?;
    let bench = Bench {
        highwater: options.highwater.clone(),
        spawner: Spawner::start()?,
        interrupt,
    };
    let mut rows = Vec::new();
    for system in System::all() {
        if options.includes(system.name) {
            eprintln!("── {}", system.name);
            rows.push(measure::row(&bench, &system));
            bench.interrupt.check()?;
        }
    }
    let table = Table {
        date: chrono::Utc::now().date_naive(),
        machine: Machine::read(),
        command: command_line(),
        rows,
    };
    let text = table.to_string();
    eprintln!("\n{text}");
    match options.write {
        true => page::write(PLACE, &text),
        false => Ok(()),
    }
}
