//! `cargo xtask bench peers`: Highwater beside other load testing tools, in one run on one
//! machine.
//!
//! ```text
//! options ─► load ─► tools ─► process ─► measure ─► row ─► table ─► page
//!                      ▲                  ▲   ▲
//!                   k6, locust, …    server   process_tree, due_latency
//! ```
//!
//! - [`options`]: the command line; [`load`] and [`target`]: the load, equal for every tool; [`context`]: what
//!   every measurement needs;
//! - [`tools`]: one file for each tool: version, start, and its own report;
//! - [`server`]: the server under load, with its own counts; [`scrape`]: reads them;
//! - [`ramp`]: the rate at which sockets opened;
//! - [`stall`]: the pause of the server; [`due_latency`]: its effect on heartbeats; [`latency`]:
//!   the latency that a tool reports;
//! - [`measure`]: one tool, from its start to its row; [`row`]: the row;
//! - [`table`]: the rows in Markdown.
//!
//! Beside this folder: a running tool, its memory and CPU, the machine, the document, Ctrl-C.

mod context;
mod due_latency;
mod latency;
mod load;
mod measure;
mod options;
mod ramp;
mod row;
mod scrape;
mod server;
mod stall;
mod table;
mod target;
mod tools;

use anyhow::Result;
use highwater_process::Spawner;
use highwater_services::{PEER_PROGRAMS, python};

use self::{context::Bench, row::Row, table::Table, tools::Tool};
use super::{
    interrupt::Interrupt,
    measured::Measured,
    page::{self, TablePlace},
};

pub(crate) use self::options::PeersOptions;

/// The place of the table.
const PLACE: TablePlace = TablePlace {
    page: "docs/peers.md",
    name: "peers-table",
};

/// Measures every tool, prints the table, and writes it into the page if asked to.
pub(crate) fn run(options: &PeersOptions) -> Result<()> {
    // Before other threads start, because they inherit the blocked signals.
    let interrupt = Interrupt::block()?;
    if options.install {
        highwater_services::install(PEER_PROGRAMS)?;
        python::PEERS.install()?;
        python::EXAMPLE_SERVERS.install()?;
    }
    let load = options.load()?;
    load::raise_open_files_limit(load.sockets)?;
    let bench = Bench {
        load,
        highwater: options.highwater.clone(),
        spawner: Spawner::start()?,
        interrupt,
    };
    let mut rows = Vec::new();
    for tool in tools::all(&options.highwater) {
        if options.includes(tool.name()) {
            rows.push(row(&bench, tool.as_ref())?);
        }
    }
    let table = Table {
        measured: Measured::now(),
        load: bench.load,
        rows,
    };
    page::publish(PLACE, &table.to_string(), options.write)
}

/// Measures one tool. Its failure is a row, and only an interrupt ends the comparison.
fn row(bench: &Bench, tool: &dyn Tool) -> Result<Row> {
    eprintln!("── {}", tool.name());
    let row = measure::row(bench, tool);
    bench.interrupt.check()?;
    Ok(row)
}
