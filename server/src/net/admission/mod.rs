//! Admission control: new connections are accepted within limits, and the rest is rejected
//! with a time to retry.
//!
//! In reading order:
//! - `rate_limiter`: a token bucket; `connection_limit`: a counting limit;
//! - `address_limit`: limits for one client address;
//! - `file_limit`: the division of the open files among the kinds of connections;
//!   `connection_budget`: their limits;
//! - `queue_delay`: a limit on the time that arrivals wait;
//! - `control`: the check of a new socket.

mod address_limit;
mod connection_budget;
mod connection_limit;
mod control;
mod file_limit;
mod queue_delay;
mod rate_limiter;

pub(crate) use self::{
    address_limit::{
        AddressBuckets, AddressLimit, AddressPermit, BucketPermit, client_prefix, max_per_address,
    },
    connection_budget::ConnectionBudget,
    connection_limit::{ConnectionLimit, Permit},
    control::{AdmissionControl, Rejected},
    file_limit::{ConnectionShares, allowed_connections},
    queue_delay::QueueDelayLimit,
};
