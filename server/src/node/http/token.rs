//! The check of a request's token (RFC 6750).

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
};

use crate::{
    api::{AdminRejected, ApiError},
    auth::{AuthError, Authenticator, FailedAttempts, Grant},
    id::DeviceId,
    net::listener::PeerAddr,
    node::Node,
};

/// The challenge to a request without a token.
const MISSING_TOKEN_CHALLENGE: &str = "Bearer realm=\"highwater\"";
/// The challenge to a request with an invalid token.
const INVALID_TOKEN_CHALLENGE: &str = "Bearer realm=\"highwater\", error=\"invalid_token\"";

/// The challenge of `POST /sessions`.
const LOGIN_CHALLENGE: &str = "Bearer realm=\"highwater login\"";

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

/// Checks whether the client of a request may present a secret.
///
/// # Errors
/// 429 after too many wrong ones from its address.
pub(super) fn limit_attempts(
    node: &Node,
    attempts: &FailedAttempts,
    client: IpAddr,
) -> Result<(), ApiError> {
    attempts.check(client).map_err(|wait| {
        node.metrics.auth_rejected(AuthError::TooManyAttempts);
        ApiError::too_many_attempts(wait)
    })
}

/// Counts a wrong admin token and returns its answer.
pub(super) fn wrong_admin_token(node: &Node, client: IpAddr) -> ApiError {
    node.failed_admins.record(client);
    auth_error(node, AuthError::WrongAdminToken)
}

/// Returns the address of a request's client. If a gateway of the cluster forwarded it, that is
/// the address that the gateway has appended; other proxies are not known here.
pub(super) fn client_address(node: &Node, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<PeerAddr>();
    // Every request of a listener has the address.
    let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |PeerAddr(peer)| peer.ip());
    let view = node.cluster.backplane.view().borrow().clone();
    let mut gateways = view.gateways().filter_map(|member| member.address.as_ref());
    let is_gateway = gateways.any(|address| {
        let address: Option<SocketAddr> = address.parse().ok();
        address.is_some_and(|address| address.ip() == peer)
    });
    match is_gateway {
        true => last_forwarded_for(request.headers()).unwrap_or(peer),
        false => peer,
    }
}

fn last_forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
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
        AuthError::WrongAdminToken => AdminRejected::WrongToken.into(),
        AuthError::TooManyAttempts => ApiError::too_many_attempts(Duration::ZERO),
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
    fn client_is_the_address_that_the_last_proxy_has_appended() {
        for (values, expected) in [
            (&["192.0.2.7"][..], Some("192.0.2.7")),
            (&["203.0.113.1, 192.0.2.7"], Some("192.0.2.7")),
            (&["203.0.113.1", "2001:db8::1"], Some("2001:db8::1")),
            (&["192.0.2.7, unknown"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", HeaderValue::from_static(value));
            }
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(last_forwarded_for(&headers), expected, "{values:?}");
        }
    }
}
