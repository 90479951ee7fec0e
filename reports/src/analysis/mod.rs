//! From a run record to its summary: pure, so that anything on the page can be
//! drawn again from the files.
//!
//! - [`tracks`]: the record by source; [`cut`]: which part of it is looked at;
//! - one file per section of the summary: `sockets`, `heartbeats`, `commands`,
//!   `messages`, `readings`, `processes`, `joined`, `workers`, `balance` (with
//!   `settling`), `cost` (with `fit`);
//! - `ledger`: what both ends counted, side by side;
//! - `harness`, `gates`, `problems`, `verdict`: what to make of it.

mod balance;
mod commands;
pub(crate) mod cost;
pub(crate) mod cut;
pub(crate) mod failures;
pub(crate) mod fit;
mod gates;
mod harness;
mod heartbeats;
pub(crate) mod joined;
mod ledger;
mod messages;
mod problems;
pub(crate) mod processes;
mod readings;
mod settling;
pub(crate) mod sockets;
mod summarise;
pub(crate) mod tracks;
mod verdict;
mod workers;

pub use summarise::analyse;
pub(crate) use summarise::sections;
