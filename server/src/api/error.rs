//! The error of an HTTP interface.

use std::{borrow::Cow, time::Duration};

use axum::{
    Json,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::OWNER_HEADER;
use crate::{
    auth::AuthError,
    id::NodeId,
    net::ws::handshake::{InvalidUpgrade, WEBSOCKET_VERSION},
};

/// The headers of a 426: the protocol (RFC 9110, sections 7.8 and 15.5.22), and its version that
/// is served (RFC 6455, sections 4.2.2 and 4.4).
pub(crate) const UPGRADE_HEADERS: [(HeaderName, &str); 3] = [
    (header::CONNECTION, "upgrade"),
    (header::UPGRADE, "websocket"),
    (header::SEC_WEBSOCKET_VERSION, WEBSOCKET_VERSION),
];

/// An error answer: a status with `{"error": …, "hint": …}`. The error describes the failure,
/// the hint the next step of the caller.
#[derive(Debug, Serialize)]
pub(crate) struct ApiError {
    #[serde(skip)]
    pub(crate) status: StatusCode,
    error: Cow<'static, str>,
    hint: &'static str,
    #[serde(skip)]
    pub(crate) owner: Option<NodeId>,
    /// The value of `Retry-After`, in seconds.
    #[serde(skip)]
    retry_after: Option<u32>,
    /// The value of `WWW-Authenticate`.
    #[serde(skip)]
    challenge: Option<&'static str>,
    /// Whether the caller must upgrade to the WebSocket version that is served.
    #[serde(skip)]
    upgrade_required: bool,
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        error: impl Into<Cow<'static, str>>,
        hint: &'static str,
    ) -> Self {
        Self {
            status,
            error: error.into(),
            hint,
            owner: None,
            retry_after: None,
            challenge: None,
            upgrade_required: false,
        }
    }

    /// Returns a 400.
    pub(crate) fn bad_request(error: impl Into<Cow<'static, str>>, hint: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, hint)
    }

    /// Returns the answer to an upgrade that is not valid: 426 if only its version is not
    /// served, and otherwise 400.
    pub(crate) fn invalid_upgrade(invalid: InvalidUpgrade) -> Self {
        let hint = "open this path as a WebSocket";
        if invalid != InvalidUpgrade::UnsupportedVersion {
            return Self::bad_request(invalid.to_string(), hint);
        }
        Self {
            upgrade_required: true,
            ..Self::new(StatusCode::UPGRADE_REQUIRED, invalid.to_string(), hint)
        }
    }

    /// Returns a 503 that asks the caller to try again in a second.
    pub(crate) fn unavailable(error: impl Into<Cow<'static, str>>, hint: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error, hint).retry_after(1)
    }

    /// Returns a 429 after too many wrong secrets, from one address or for one account.
    pub(crate) fn too_many_attempts(reason: AuthError, wait: Duration) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            reason.to_string(),
            "wait, and then send the right one",
        )
        // Rounded up: an earlier attempt would fail too.
        .retry_after(u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Returns a 401 with the challenge for the client.
    pub(crate) fn unauthorized(
        error: impl Into<Cow<'static, str>>,
        hint: &'static str,
        challenge: &'static str,
    ) -> Self {
        Self {
            challenge: Some(challenge),
            ..Self::new(StatusCode::UNAUTHORIZED, error, hint)
        }
    }

    pub(crate) fn owner(mut self, owner: impl Into<Option<NodeId>>) -> Self {
        self.owner = owner.into();
        self
    }

    /// Returns the error as the single line of a server-sent event.
    pub(crate) fn event_json(&self) -> String {
        #[derive(Serialize)]
        struct ErrorEvent<'a> {
            status: u16,
            #[serde(skip_serializing_if = "Option::is_none")]
            owner: Option<&'a NodeId>,
            #[serde(flatten)]
            error: &'a ApiError,
        }
        let event = ErrorEvent {
            status: self.status.as_u16(),
            owner: self.owner.as_ref(),
            error: self,
        };
        // Strings and numbers always serialize.
        serde_json::to_string(&event).unwrap_or_default()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after.map(|wait| [(header::RETRY_AFTER, wait)]);
        // RFC 9110, section 11.6.1: a 401 names the scheme that the caller must use.
        let challenge = self
            .challenge
            .map(|text| [(header::WWW_AUTHENTICATE, text)]);
        let owner = self.owner.as_ref().map(|id| [(OWNER_HEADER, id.as_str())]);
        let upgrade = self.upgrade_required.then_some(UPGRADE_HEADERS);
        (
            self.status,
            retry_after,
            challenge,
            owner,
            upgrade,
            Json(&self),
        )
            .into_response()
    }
}
