//! JSON bodies, bounded in length and time.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::ApiError;
use crate::limits::NodeLimits;

/// Reads the body as `T`.
///
/// # Errors
/// 415 without `Content-Type: application/json`, 413 beyond the limit of bytes, 408 beyond
/// the limit of time, 400 for JSON of another form.
pub(crate) async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    limits: &NodeLimits,
) -> Result<T, ApiError> {
    if !is_json(headers) {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is not declared as JSON",
            "send it with Content-Type: application/json",
        ));
    }
    let bytes = timeout(limits.body_timeout, to_bytes(body, limits.body_bytes))
        .await
        .map_err(|_| too_slow(limits))?
        .map_err(|error| too_large_or_broken(&error, limits.body_bytes))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        ApiError::bad_request(
            format!("invalid body: {error}"),
            "docs/protocol.md shows the bodies",
        )
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn too_slow(limits: &NodeLimits) -> ApiError {
    let waited = limits.body_timeout;
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        format!("the body was not complete after {waited:?}"),
        "send the body together with the head",
    )
}

fn too_large_or_broken(error: &axum::Error, limit: usize) -> ApiError {
    // axum wraps the error of the limit, so it is somewhere in the chain of sources.
    let mut cause = Some(error as &dyn std::error::Error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is longer than {limit} bytes"),
                "send a shorter body",
            );
        }
        cause = error.source();
    }
    ApiError::bad_request(
        "the connection ended within the body",
        "send the whole body",
    )
}
