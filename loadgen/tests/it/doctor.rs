//! The limits of a machine, the capacity that follows from them, and the report.

mod capacities;
mod fixture;
mod host_limits;
mod monotone;
mod preflight;
mod reports;
