//! The parts that all HTTP interfaces of the server share: nodes, gateways and
//! consumers answer in the same way.
//!
//! Reading order: `error` (the JSON of an error), `body` (reading a JSON body),
//! `timeout` (the caller's deadline), `headers`, `fallback` (requests that reach no
//! handler), `metrics` (the answer to `GET /metrics`).

mod body;
mod error;
mod fallback;
mod headers;
mod metrics;
mod timeout;

pub(crate) use self::{
    body::read_json,
    error::ApiError,
    fallback::{method_not_allowed, path_not_found, rejected_router},
    headers::{NODE_HEADER, OWNER_HEADER},
    metrics::metrics_response,
    timeout::timeout_ms,
};
