//! The parts that all HTTP interfaces of the server share: nodes, gateways and
//! consumers answer in the same way.
//!
//! Reading order: `error` (the JSON of an error), `request` (the body, the caller's deadline
//! and the names in a request), `headers`, `response` (answers without a handler).

mod error;
mod headers;
mod request;
mod response;

pub(crate) use self::{
    error::ApiError,
    headers::{GATEWAY_HEADER, NODE_HEADER, OWNER_HEADER},
    request::{parse_name, read_json, timeout_ms},
    response::{method_not_allowed, metrics_response, path_not_found, rejected_router},
};
