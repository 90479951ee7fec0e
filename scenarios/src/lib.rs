//! The way of a scenario from its file to each worker's exact share of the work.
//!
//! ```text
//!            as written                valid                     resolved
//! file ─► tree, with `--set` ─► scenario: a Field per key ─► plan ─► segment per worker
//!          and its preset        (section, value, rules)       └─► describe, estimate
//!          (overrides, presets)
//! ```
//!
//! The crate is pure: no runtime, no clock, no network. [`load`] reads a scenario and its data
//! files, and is the only function here that touches the disk. Each arrow is a pure function,
//! and every step adds all its problems to one list.
//!
//! ```
//! use highwater_scenarios::{Segment, parse};
//!
//! let text = r#"
//!     name = "evening"
//!     duration = "10m"
//!     [cluster]
//!     nodes = 2
//!     [[devices]]
//!     name = "home"
//!     count = 1000
//!     ramp = "100/s"
//! "#;
//! let plan = parse("evening.toml", text, &["devices.home.count=2500".to_owned()])?;
//! let pool = &plan.devices[0];
//!
//! // Three workers share the sockets, and none needs to know of the others.
//! let shares = (0..3).map(|index| Segment::new(index, 3).unwrap());
//! let counts = shares.map(|share| share.sockets(pool, plan.seed).count());
//! assert_eq!(counts.collect::<Vec<_>>(), [834, 833, 833]);
//!
//! // All problems of a file are reported at once, each with its place.
//! let problems = parse("evening.toml", "nam = 1\nduration = 10", &[]).unwrap_err();
//! assert!(problems.to_string().contains("evening.toml:2:12: duration"));
//! # Ok::<(), highwater_scenarios::Diagnostics>(())
//! ```
//!
//! The modules in reading order:
//!
//! - [`load`]: the functions that do all of this, and [`matrix`], for scenarios of several
//!   plans;
//! - `tree`, `overrides`: keys and values with their places, and the `--set` arguments put
//!   over them;
//! - [`presets`]: protocols of well-known servers, as keys under those of the scenario;
//! - `value`, `section`, `scenario`: each value of its own type and in its own range; one
//!   file per kind of value and per table of the format;
//! - `rules`: values that do not fit each other; one file per subject;
//! - [`diagnostic`]: problems with their places;
//! - [`frames`]: templates and matchers of frames, compiled;
//! - [`data`], [`data_table`], `data_files`: files with a row of values for each device;
//! - [`plan`], [`segment`]: the resolved form, and a worker's share of it; [`plan_texts`]: its
//!   texts with variables;
//! - [`describe()`], `estimate`: the plan in words, and its size;
//! - [`check`], [`metrics`]: the grammar of gates, and what a gate can name;
//! - [`selector`]: the grammar of a target's own metrics;
//! - [`reference`], [`settings`]: the format's documentation and its list of keys, from the
//!   declarations that files are read with;
//! - [`secrets`]: values of header fields and queries, kept out of records and messages, with
//!   `mask` for texts;
//! - [`renamed`]: names that changed, for hints and for records of earlier versions;
//! - `suggest`: the word that a person probably meant;
//! - [`text_layout`]: text for a terminal, here and in the crates above.

pub mod check;
pub mod data;
pub mod data_table;
pub mod diagnostic;
pub mod frames;
#[doc(hidden)]
pub mod fuzzing;
pub mod load;
mod mask;
pub mod matrix;
pub mod metrics;
pub mod plan;
pub mod plan_texts;
pub mod presets;
pub mod reference;
pub mod renamed;
pub mod secrets;
pub mod segment;
pub mod selector;
pub mod settings;
pub mod text_layout;

mod data_files;
mod describe;
mod estimate;
mod overrides;
mod rules;
#[macro_use]
mod section;
mod scenario;
mod suggest;
mod tree;
mod value;

pub use check::GateCheck;
pub use data_table::DataTable;
pub use describe::{HostResources, MemoryEstimate, describe, describe_matrix};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use estimate::{BalancerShare, RESERVED_FILES, usable_files};
pub use load::{
    LoadError, expand, load, load_data, load_expanded, load_matrix, parse, parse_matrix,
    parse_with_files, relocate_files,
};
pub use matrix::{Matrix, MatrixCell, MatrixSetting};
pub use plan::Plan;
pub use segment::Segment;
