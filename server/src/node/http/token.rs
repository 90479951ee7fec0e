//! The token of a request (RFC 6750), and what comes of it.

use axum::http::{HeaderMap, StatusCode, header};

use crate::{
    api::ApiError,
    auth::{AuthError, Authenticator, Grant},
    id::DeviceId,
    node::Node,
};

/// There was no token.
const MISSING_TOKEN_CHALLENGE: &str = "Bearer realm=\"highwater\"";
/// There was one, and it is none.
const INVALID_TOKEN_CHALLENGE: &str = "Bearer realm=\"highwater\", error=\"invalid_token\"";

/// What `POST /sessions` asks for.
const LOGIN_CHALLENGE: &str = "Bearer realm=\"highwater login\"";

/// The token in `Authorization: Bearer`.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// What the bearer of `token` may do, where the node requires one: `None` means
/// that it does not.
///
/// # Errors
/// 401.
pub(super) fn require_token(node: &Node, token: Option<&str>) -> Result<Option<Grant>, ApiError> {
    match node.access.as_ref().filter(|access| access.is_required()) {
        Some(access) => check_token(node, access, token).map(Some),
        None => Ok(None),
    }
}

/// The same for a device that the token must be for.
///
/// # Errors
/// 401, and 403 where the token is for others.
pub(super) fn require_device_token(
    node: &Node,
    token: Option<&str>,
    device: &DeviceId,
) -> Result<Option<Grant>, ApiError> {
    let grant = require_token(node, token)?;
    match &grant {
        Some(grant) if !grant.devices.matches(device) => {
            Err(auth_error(node, AuthError::DeviceNotAllowed))
        }
        _ => Ok(grant),
    }
}

/// What the bearer of `token` may do.
///
/// # Errors
/// 401.
pub(super) fn check_token(
    node: &Node,
    access: &Authenticator,
    token: Option<&str>,
) -> Result<Grant, ApiError> {
    access.verify(token).map_err(|why| auth_error(node, why))
}

/// Counts a refusal and says it.
pub(super) fn auth_error(node: &Node, why: AuthError) -> ApiError {
    node.metrics.auth_rejected(why);
    match why {
        AuthError::Missing => ApiError::unauthorized(
            why.to_string(),
            "send one in `Authorization: Bearer`; POST /sessions gives them",
            MISSING_TOKEN_CHALLENGE,
        ),
        AuthError::DeviceNotAllowed => ApiError::new(
            StatusCode::FORBIDDEN,
            why.to_string(),
            "use a token whose `devices` name this one",
        ),
        AuthError::WrongLoginSecret => ApiError::unauthorized(
            why.to_string(),
            "send it in `Authorization: Bearer`",
            LOGIN_CHALLENGE,
        ),
        AuthError::Invalid | AuthError::Expired | AuthError::NotYetValid => {
            ApiError::unauthorized(why.to_string(), "log in again", INVALID_TOKEN_CHALLENGE)
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
            bearer_token(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(token("bearer  a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(token("Basic YTpi"), None);
        assert_eq!(token("Bearer"), None);
        assert_eq!(bearer_token(&HeaderMap::new()), None);
    }
}
