//! What this machine's limits allow, before anything is started.
//!
//! [`read()`] asks the system, once and in milliseconds; everything after it is
//! pure: [`Limits`] to [`Capacity`] or [`PreflightReport`] to text.
//!
//! - [`limits`]: what was read; what could not be read is absent or `Unknown`;
//! - [`mod@read`]: `/proc`, resource limits, control groups;
//! - [`costs`]: what a socket costs, as measured;
//! - [`usage`]: what a machine can be used as, and what a socket then takes;
//! - [`load`]: what a plan takes of this machine;
//! - [`constraint`]: one file for each limit: how far it reaches, whether a
//!   plan stays below it, how to raise it;
//! - `programs`: programs that a plan needs and a run does not install;
//! - [`capacity`]: the most sockets for each use, and what binds first;
//! - [`fit`]: whether a plan can be run here;
//! - [`page`]: both in words, for a terminal.

pub mod capacity;
pub mod constraint;
pub mod costs;
pub mod host_role;
pub mod limits;
pub mod plan_load;
pub mod preflight;
mod programs;
pub mod reader;
pub mod report_text;

pub use capacity::{BindingConstraint, Capacity, RoleCapacity};
pub use constraint::{CONSTRAINTS, Ceiling, CheckResult, Constraint, Fix};
pub use host_role::{HostRole, SocketDemand};
pub use limits::{HostLimits, Limit};
pub use plan_load::PlanLoad;
pub use preflight::{PreflightFinding, PreflightReport};
pub use reader::read_host_limits;
