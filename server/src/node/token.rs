//! The check of a request's token (RFC 6750).

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use axum::http::{Extensions, StatusCode};

use crate::{
    api::{AdminRejected, ApiError},
    auth::{AuthError, Authenticator, Grant, LoginLimit, RejectedToken, TokenAccount},
    id::DeviceId,
    net::listener::Client,
    node::Node,
};

/// The one account of the admin token, and of the login secret.
pub(in crate::node) const SHARED_SECRET: &str = "";
/// The challenge to a request without a token.
const MISSING_TOKEN_CHALLENGE: &str = "Bearer realm=\"highwater\"";
/// The challenge to a request with an invalid token.
const INVALID_TOKEN_CHALLENGE: &str = "Bearer realm=\"highwater\", error=\"invalid_token\"";

/// The challenge of `POST /sessions`.
const LOGIN_CHALLENGE: &str = "Bearer realm=\"highwater login\"";

/// Returns the grant of a caller's token; `None` if the node requires no tokens.
///
/// # Errors
/// 401 for a missing or invalid token, 429 after too many invalid ones of its user.
pub(in crate::node) fn require_token(
    node: &Node,
    token: Option<&str>,
    client: IpAddr,
) -> Result<Option<Grant>, ApiError> {
    match node.access.as_ref().filter(|access| access.required) {
        Some(access) => check_token(node, access, token, TokenAccount::User, client).map(Some),
        None => Ok(None),
    }
}

/// Returns the grant of `token`, which must allow the device; `None` if the node requires
/// no tokens.
///
/// # Errors
/// 401 for a missing or invalid token, 403 for a token of other devices, 429 after too many
/// invalid ones for the device.
pub(in crate::node) fn require_device_token(
    node: &Node,
    token: Option<&str>,
    device: &DeviceId,
    client: IpAddr,
) -> Result<Option<Grant>, ApiError> {
    let Some(access) = node.access.as_ref().filter(|access| access.required) else {
        return Ok(None);
    };
    let account = TokenAccount::Named(device.as_str());
    let grant = check_token(node, access, token, account, client)?;
    match grant.devices.matches(device) {
        true => Ok(Some(grant)),
        false => Err(auth_error(node, AuthError::DeviceNotAllowed)),
    }
}

/// Returns the grant of `token`.
///
/// # Errors
/// 401 for a missing or invalid token, 429 after too many invalid ones for the account.
pub(in crate::node) fn check_token(
    node: &Node,
    access: &Authenticator,
    token: Option<&str>,
    account: TokenAccount<'_>,
    client: IpAddr,
) -> Result<Grant, ApiError> {
    let verified = access.verify(token, account, client);
    verified.map_err(|RejectedToken { reason, wait }| match reason {
        AuthError::AccountLimit => {
            node.metrics.auth_rejected(reason);
            ApiError::too_many_attempts(reason, wait)
        }
        reason => auth_error(node, reason),
    })
}

/// Checks whether the client of a request may present a secret that many share.
///
/// # Errors
/// 429 after too many wrong ones from its address, or from all addresses.
pub(in crate::node) fn limit_attempts(
    node: &Node,
    limit: &LoginLimit,
    client: IpAddr,
) -> Result<(), ApiError> {
    limit.check(SHARED_SECRET, client).map_err(|reached| {
        node.metrics.auth_rejected(reached.reason);
        ApiError::too_many_attempts(reached.reason, reached.wait)
    })
}

/// Counts a wrong admin token and returns its answer.
pub(in crate::node) fn wrong_admin_token(node: &Node, client: IpAddr) -> ApiError {
    node.admin_limit.record_wrong(SHARED_SECRET, client);
    auth_error(node, AuthError::WrongAdminToken)
}

/// Returns the address of a request's client: that of its connection's peer, or the one that
/// a trusted peer names.
pub(in crate::node) fn client_address(extensions: &Extensions) -> IpAddr {
    let client = extensions.get::<Client>();
    // Every request of a listener has the client.
    client.map_or(Ipv4Addr::UNSPECIFIED.into(), |client| client.address)
}

/// Counts a rejection and returns its answer.
pub(in crate::node) fn auth_error(node: &Node, error: AuthError) -> ApiError {
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
        AuthError::WrongAdminToken => AdminRejected::WrongToken.into(),
        AuthError::TooManyAttempts | AuthError::AccountLimit => {
            ApiError::too_many_attempts(error, Duration::ZERO)
        }
        AuthError::Invalid | AuthError::Expired | AuthError::NotYetValid => {
            ApiError::unauthorized(error.to_string(), "log in again", INVALID_TOKEN_CHALLENGE)
        }
    }
}
