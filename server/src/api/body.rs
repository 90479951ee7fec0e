//! Reading a JSON body of bounded length, in bounded time.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::ApiError;
use crate::limits::NodeLimits;

/// The body as `T`: 415 unless it says that it is JSON, 413 past the limit in bytes,
/// 408 past that in time, 400 when it is not what is expected.
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
            format!("the body is not what is expected: {error}"),
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
        format!("the body was not there after {waited:?}"),
        "send it at once",
    )
}

fn too_large_or_broken(error: &axum::Error, limit: usize) -> ApiError {
    let mut cause = Some(error as &dyn std::error::Error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body is longer than {limit} bytes"),
                "send less",
            );
        }
        cause = error.source();
    }
    ApiError::bad_request("the body broke off", "send all of it")
}
