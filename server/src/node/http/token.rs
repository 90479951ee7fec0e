//! The check of a request's token (RFC 6750).

use axum::http::{HeaderMap, StatusCode, header};

use crate::{
    api::ApiError,
    auth::{AuthError, Authenticator, Grant},
    id::DeviceId,
    node::Node,
};

/// The challenge to a request without a token.
const MISSING_TOKEN_CHALLENGE: &str = "Bearer realm=\"highwater\"";
/// The challenge to a request with an invalid token.
const INVALID_TOKEN_CHALLENGE: &str = "Bearer realm=\"highwater\", error=\"invalid_token\"";

/// The challenge of `POST /sessions`.
const LOGIN_CHALLENGE: &str = "Bearer realm=\"highwater login\"";

/// Returns the token in `Authorization: Bearer`.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    // The scheme is case-insensitive (RFC 9110, 11.1).
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the grant of `token`; `None` if the node requires no tokens.
///
/// # Errors
/// 401 for a missing or invalid token.
pub(super) fn require_token(node: &Node, token: Option<&str>) -> Result<Option<Grant>, ApiError> {
    match node.access.as_ref().filter(|access| access.required) {
        Some(access) => check_token(node, access, token).map(Some),
        None => Ok(None),
    }
}

/// Returns the grant of `token`, which must allow the device; `None` if the node requires
/// no tokens.
///
/// # Errors
/// 401 for a missing or invalid token, 403 for a token of other devices.
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

/// Returns the grant of `token`.
///
/// # Errors
/// 401 for a missing or invalid token.
pub(super) fn check_token(
    node: &Node,
    access: &Authenticator,
    token: Option<&str>,
) -> Result<Grant, ApiError> {
    access
        .verify(token)
        .map_err(|error| auth_error(node, error))
}

/// Counts a rejection and returns its answer.
pub(super) fn auth_error(node: &Node, error: AuthError) -> ApiError {
    node.metrics.auth_rejected(error);
    match error {
        AuthError::Missing => ApiError::unauthorized(
            error.to_string(),
            "send one in `Authorization: Bearer`; POST /sessions gives them",
            MISSING_TOKEN_CHALLENGE,
        ),
        AuthError::DeviceNotAllowed => ApiError::new(
            StatusCode::FORBIDDEN,
            error.to_string(),
            "use a token whose `devices` include this device",
        ),
        AuthError::WrongLoginSecret => ApiError::unauthorized(
            error.to_string(),
            "send it in `Authorization: Bearer`",
            LOGIN_CHALLENGE,
        ),
        AuthError::Invalid | AuthError::Expired | AuthError::NotYetValid => {
            ApiError::unauthorized(error.to_string(), "log in again", INVALID_TOKEN_CHALLENGE)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn token_comes_only_from_bearer_scheme() {
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
