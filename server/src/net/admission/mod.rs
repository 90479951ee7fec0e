//! Admission control: new connections are accepted within limits, and the rest is rejected
//! with a time to retry.
//!
//! In reading order: `rate_limiter` (a token bucket), `connection_limit` (a counting limit),
//! `address_limit` (limits for one client address), `file_limit` (the limit that open files
//! allow), `control` (the check of a new socket).

mod address_limit;
mod connection_limit;
mod control;
mod file_limit;
mod rate_limiter;

pub(crate) use self::{
    address_limit::{AddressBuckets, AddressLimit, BucketPermit, client_prefix, max_per_address},
    connection_limit::{ConnectionLimit, Permit},
    control::{AdmissionControl, Rejected},
    file_limit::max_connections,
};
