//! From a scenario file to each worker's exact share of the work.
//!
//! Pure: no runtime, no clock, no network; [`load`] reads one file and is the
//! only function here that touches the disk.
//!
//! A scenario passes three levels, each made from the one before by a pure
//! function, and every step adds all its problems to one list:
//!
//! 1. as written: `tree`, the file's keys and values with their places, and
//!    the `--set` arguments put over them;
//! 2. valid: `scenario`, each value of its own type and in its own range
//!    (`section`: one file per table of the format), then held against each
//!    other (`rules`: one file per rule);
//! 3. resolved: [`plan`], defaults filled in, on one timeline.
//!
//! A scenario with a `[matrix]` has several plans, one for each of its cells
//! ([`matrix`]).
//!
//! From there [`segment`] cuts each worker's share, [`describe()`] says in
//! words what would happen and [`reference`] writes the format's documentation
//! from the same tables that the file is read with. [`page`] and [`words`] are
//! how text for a terminal is laid out, here and in the crates above.

pub mod broker_url;
pub mod check;
pub mod diagnostic;
pub mod format;
#[doc(hidden)]
pub mod fuzzing;
pub mod load;
pub mod matrix;
pub mod metrics;
pub mod plan;
pub mod reference;
pub mod renamed;
pub mod segment;
pub mod text_layout;
pub mod units;

mod describe;
mod estimate;
mod quantity;
mod rules;
mod scenario;
mod section;
mod suggest;
mod tree;

pub use broker_url::{BrokerKind, BrokerUrl, redact_passwords};
pub use check::{CheckDiagnostic, GateCheck};
pub use describe::{HostResources, MemoryEstimate, describe, describe_matrix};
pub use diagnostic::{Diagnostic, Diagnostics};
pub use estimate::{BalancerShare, RESERVED_FILES, usable_files};
pub use load::{LoadError, load, load_matrix, parse, parse_matrix};
pub use matrix::{Matrix, MatrixCell, MatrixSetting};
pub use plan::Plan;
pub use segment::Segment;
