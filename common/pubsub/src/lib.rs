//! Google Pub/Sub as both the reference cluster and the harness use it.
//!
//! - [`address`]: the project and the endpoint that an address names;
//! - [`clients`]: the clients of the service;
//! - [`names`]: the topics and subscriptions of a cluster;
//! - [`error`]: the errors of calls.

pub mod address;
pub mod clients;
pub mod error;
pub mod names;

pub use self::{
    address::{InvalidPubSubUrl, PubSubAddress},
    clients::PubSubClients,
    error::{PubSubError, is_existing, is_missing},
    names::PubSubNames,
};
