//! From a run record to its summary: pure, so that anything on the page can be
//! drawn again from the files.
//!
//! - [`tracks`]: the record by source; [`cut`]: which part of it is looked at;
//!   `movement`: sockets that came and went, more finely;
//! - one file per section of the summary: `sockets`, `heartbeats`, `commands`,
//!   `messages`, `telemetry`, `processes`, `balancers`, `joined`, `workers`, `balance`
//!   (with `recovery`), `cost` (with `fit`);
//! - `ledger`: what both ends counted, side by side;
//! - `harness`, `gates`, `problems`, `verdict`: what to make of it.

pub(crate) mod backplane;
pub(crate) mod balance;
mod balancers;
mod commands;
pub(crate) mod conn_events;
pub(crate) mod cost;
pub(crate) mod failures;
pub(crate) mod fit;
mod gates;
mod harness;
mod heartbeats;
mod ledger;
mod messages;
mod problems;
pub(crate) mod processes;
mod recovery;
pub(crate) mod run_window;
pub(crate) mod sockets;
pub(crate) mod source_series;
mod summarise;
mod telemetry;
mod verdict;
mod workers;

pub use summarise::analyse;
pub(crate) use summarise::sections;
