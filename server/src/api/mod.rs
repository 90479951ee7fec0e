//! The parts that all HTTP interfaces of the server share: nodes, gateways and
//! consumers answer in the same way.
//!
//! Reading order:
//! - `error`: the JSON of an error; `response`: answers without a handler;
//! - `request`: the body, the caller's deadline and the names in a request;
//! - `query`, `accept`, `bearer`, `headers`: parts of a request's head;
//! - `origin`: pages of other sites; `admin`, `operators`: paths for operators.

mod accept;
mod admin;
mod bearer;
mod error;
mod headers;
mod operators;
mod origin;
mod query;
mod request;
mod response;

pub use self::origin::{InvalidOrigin, Origin};
pub(crate) use self::{
    accept::accepts_event_stream,
    admin::{AdminAccess, AdminRejected},
    bearer::bearer_token,
    error::{ApiError, UPGRADE_HEADERS},
    headers::{GATEWAY_HEADER, NODE_HEADER, OWNER_HEADER},
    operators::OperatorAccess,
    origin::{AllowedOrigins, answer_cors},
    query::query_param,
    request::{parse_name, read_json, require_json, timeout_ms},
    response::{
        address_limit_reached, method_not_allowed, metrics_response, path_not_found, rejections,
    },
};
