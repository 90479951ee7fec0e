//! The capacity of this machine, and whether it can run a scenario.
//!
//! ```text
//! /proc, rlimits, cgroups ─► reader ─► HostLimits ─┬─► capacity ──► report_text ─► terminal
//!                                                  │      ▲
//!                     costs ─► host_role ──────────┘      │ constraint: one file a limit
//!                                                         ▼
//! Plan ─► plan_load ─────────────────────────────────► preflight ─► report_text, `run`
//! ```
//!
//! [`read_host_limits`] asks the system, once and in milliseconds. Everything behind it is
//! pure.
//!
//! - [`limits`]: the limits of a machine; one that could not be read is absent or `Unknown`;
//! - [`reader`]: `/proc`, resource limits, control groups;
//! - [`numbers`]: numbers that may be unknown, as text;
//! - [`costs`]: the cost of a socket, as measured;
//! - [`host_role`]: the uses of a machine, and the demand of a socket in each;
//! - [`plan_load`]: the load of a plan on this machine;
//! - [`constraint`]: one file for each limit;
//! - [`programs`]: outside programs that a plan needs;
//! - [`capacity`]: the most sockets for each use, and the limit that binds first;
//! - [`preflight`]: whether this machine can run a plan;
//! - [`segment_fit`]: whether segments fit the machines of workers that join over the bus;
//! - [`report_text`]: the results as text for a terminal.
//!
//! A new limit is a file below [`constraint`] that implements [`Constraint`], and a line in
//! [`CONSTRAINTS`].

pub mod capacity;
pub mod constraint;
pub mod costs;
pub mod host_role;
pub mod limits;
mod numbers;
pub mod plan_load;
pub mod preflight;
mod programs;
pub mod reader;
pub mod report_text;
pub mod segment_fit;

pub use capacity::{BindingConstraint, Capacity, RoleCapacity};
pub use constraint::{CONSTRAINTS, CheckResult, Constraint, Fix};
pub use host_role::{HostRole, SocketDemand};
pub use limits::{HostLimits, Limit};
pub use plan_load::PlanLoad;
pub use preflight::{PreflightFinding, PreflightReport};
pub use reader::read_host_limits;
