//! Headers of the HTTP interface.

use axum::http::HeaderName;

/// The gateway that handled the request. Every answer through one has it.
pub(crate) const GATEWAY_HEADER: HeaderName = HeaderName::from_static("x-highwater-gateway");
/// The node that handled the request. Every answer has it.
pub(crate) const NODE_HEADER: HeaderName = HeaderName::from_static("x-highwater-node");
/// The node that owned the device's socket, if it is known.
pub(crate) const OWNER_HEADER: HeaderName = HeaderName::from_static("x-highwater-owner");
