//! The token of a request (RFC 6750), and what comes of it.

use axum::http::{HeaderMap, StatusCode, header};

use super::error::ApiError;
use crate::{
    auth::{Access, Grant, Refused},
    id::DeviceId,
    node::Node,
};

/// There was no token.
const SHOW_ONE: &str = "Bearer realm=\"highwater\"";
/// There was one, and it is none.
const NOT_THIS_ONE: &str = "Bearer realm=\"highwater\", error=\"invalid_token\"";

/// What `POST /sessions` asks for.
const LOGIN: &str = "Bearer realm=\"highwater login\"";

/// The token in `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What the bearer of `token` may do, where the node requires one: `None` means
/// that it does not.
///
/// # Errors
/// 401.
pub(super) fn require(node: &Node, token: Option<&str>) -> Result<Option<Grant>, ApiError> {
    match node.access.as_ref().filter(|access| access.is_required()) {
        Some(access) => check(node, access, token).map(Some),
        None => Ok(None),
    }
}

/// The same for a device that the token must be for.
///
/// # Errors
/// 401, and 403 where the token is for others.
pub(super) fn require_for(
    node: &Node,
    token: Option<&str>,
    device: &DeviceId,
) -> Result<Option<Grant>, ApiError> {
    let grant = require(node, token)?;
    match &grant {
        Some(grant) if !grant.devices.cover(device) => Err(refused(node, Refused::OtherDevice)),
        _ => Ok(grant),
    }
}

/// What the bearer of `token` may do.
///
/// # Errors
/// 401.
pub(super) fn check(node: &Node, access: &Access, token: Option<&str>) -> Result<Grant, ApiError> {
    access.check(token).map_err(|why| refused(node, why))
}

/// Counts a refusal and says it.
pub(super) fn refused(node: &Node, why: Refused) -> ApiError {
    node.metrics.auth_refused(why);
    match why {
        Refused::Missing => ApiError::unauthorized(
            why.to_string(),
            "send one in `Authorization: Bearer`; POST /sessions gives them",
            SHOW_ONE,
        ),
        Refused::OtherDevice => ApiError::new(
            StatusCode::FORBIDDEN,
            why.to_string(),
            "use a token whose `devices` name this one",
        ),
        Refused::Login => {
            ApiError::unauthorized(why.to_string(), "send it in `Authorization: Bearer`", LOGIN)
        }
        Refused::Invalid | Refused::Expired | Refused::Early => {
            ApiError::unauthorized(why.to_string(), "log in again", NOT_THIS_ONE)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_a_bearer_s_header_has_a_token() {
        let token = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(token("bearer  a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(token("Basic YTpi"), None);
        assert_eq!(token("Bearer"), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
