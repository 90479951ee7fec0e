//! The analysis of a run record, up to its summary. Every function is pure, so the summary
//! can be computed again from the files.
//!
//! ```text
//! RunRecord ─► RecordSeries ─► RunWindow ─► sections ─► Summary ─► ledger ─► harness ─► gates ─► problems
//!             (by source)     (part of    (one file    (numbers)  (both     (was it    (metrics (doubts
//!                              the run)    each)                   ends)     the limit) + limits) in words)
//! ```
//!
//! - [`analyse`](analyse()): the whole way, in the order of the picture;
//! - `source_series`: the record by source; `run_window`: the part of the run that a
//!   metric covers; `growth`: how far ever-growing gauges grew in it;
//! - `summary`: the summary and its sections; `summary_metrics`: its metrics by path;
//! - one file per section, which defines its part of `summary.json` and computes it:
//!   `sockets`, `login`, `heartbeats`, `frames`, `commands`, `exchanges`, `messages`,
//!   `telemetry`, `processes` (nodes and consumers), `brokers`, `balancers`, `workers`,
//!   `observed`, `node_maxima`, `ramp`, `backplane`, `cpu_cores`, `exits`, `balance`, `cost`;
//!   `list_price`: what a provider bills for a backplane;
//! - `distribution`, `fit`: times and slopes; `conn_events`, `recovery`: sockets lost and
//!   opened; `failures`: failures by kind, with examples; `failure_kinds`: whose fault a kind
//!   is, and what it is called; `failure_words`: failures in sentences; `markup`: answers in
//!   HTML without their markup; `constant_load`,
//!   `leaks`: growth without a change of the load;
//! - `ledger`, `harness`, `gates`, `verdict`, `problems`: the judgement on the numbers;
//!   `target_failures`, `nothing_happened`, `observed_processes`: checks that need no gate;
//!   `zero_of_zero`: counts that say nothing.
//!
//! A new metric is one line of the registry (`scenarios/src/metrics/registry.rs`), and one
//! field and its computation in the file of its section.

mod analyse;
pub(crate) mod backplane;
pub(crate) mod balance;
mod balancers;
pub(crate) mod brokers;
mod commands;
pub(crate) mod conn_events;
mod constant_load;
pub(crate) mod cost;
mod cpu_cores;
mod distribution;
mod exchanges;
mod exits;
pub(crate) mod failure_kinds;
pub(crate) mod failure_words;
pub(crate) mod failures;
pub(crate) mod fit;
mod frames;
pub(crate) mod gates;
mod growth;
mod harness;
mod heartbeats;
mod leaks;
mod ledger;
pub(crate) mod list_price;
mod login;
mod markup;
mod messages;
mod node_maxima;
mod nothing_happened;
pub(crate) mod observed;
mod observed_processes;
mod problems;
pub(crate) mod processes;
mod ramp;
mod recovery;
pub(crate) mod run_window;
mod sockets;
pub(crate) mod source_series;
pub mod summary;
pub(crate) mod summary_metrics;
mod target_failures;
mod telemetry;
mod verdict;
mod workers;
mod zero_of_zero;

pub use analyse::analyse;
pub use failure_words::example_sentence;
