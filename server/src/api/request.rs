//! The parts of a request that its handlers read, bounded in length and time.

use std::str::FromStr;

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::ApiError;
use crate::{InvalidName, limits::NodeLimits};

const TIMEOUT_HEADER: &str = "x-highwater-timeout-ms";
/// The time of a request without the header.
const DEFAULT_TIMEOUT_MS: u32 = 5000;
/// The longest time: a longer one is shortened to it.
const MAX_TIMEOUT_MS: u32 = 60_000;

/// Reads the body as `T`.
///
/// # Errors
/// 415 without `Content-Type: application/json`, 413 beyond the limit of bytes, 408 beyond
/// the limit of time, 400 for JSON of another form.
pub(crate) async fn read_json<T: DeserializeOwned>(
    request: Request,
    limits: &NodeLimits,
) -> Result<T, ApiError> {
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    // A client that sends its body slowly must not hold a task and a buffer for long.
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

/// Checks that the body is declared as JSON.
///
/// # Errors
/// 415 otherwise.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    match is_json(headers) {
        true => Ok(()),
        false => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is not declared as JSON",
            "send it with Content-Type: application/json",
        )),
    }
}

/// Returns the time that the caller waits, in milliseconds, within its bounds.
pub(crate) fn timeout_ms(headers: &HeaderMap) -> Result<u32, ApiError> {
    let Some(value) = headers.get(TIMEOUT_HEADER) else {
        return Ok(DEFAULT_TIMEOUT_MS);
    };
    let parsed: Option<u64> = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let timeout_ms = parsed.ok_or_else(|| {
        ApiError::bad_request(
            "X-Highwater-Timeout-Ms is not a number",
            "give milliseconds, 1 to 60000",
        )
    })?;
    // A time out of bounds is moved to the bound rather than rejected.
    Ok(timeout_ms.clamp(1, MAX_TIMEOUT_MS.into()) as u32)
}

/// Parses a name in a path or a query. `hint` shows where it stands.
pub(crate) fn parse_name<T>(text: &str, hint: &'static str) -> Result<T, ApiError>
where
    T: FromStr<Err = InvalidName>,
{
    text.parse()
        .map_err(|error: InvalidName| ApiError::bad_request(error.to_string(), hint))
}

/// Whether the body is declared as JSON. Parameters such as a charset do not matter: JSON is
/// always UTF-8 (RFC 8259, section 8.1).
fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(header::CONTENT_TYPE).iter();
    // A browser joins repeated fields, and may then take the body for another type.
    kinds
        .next()
        .filter(|_| kinds.next().is_none())
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn body_is_json_by_its_media_type() {
        for (kinds, expected) in [
            (&["application/json"][..], true),
            (&["Application/JSON"], true),
            (&["application/json;charset=utf-8"], true),
            (&["application/json ; charset=UTF-8"], true),
            (&[], false),
            (&[""], false),
            (&["text/plain"], false),
            (&["text/plain; application/json"], false),
            (&["application/json-seq"], false),
            (&["application/problem+json"], false),
            (&["text/plain", "application/json"], false),
        ] {
            let mut headers = HeaderMap::new();
            for kind in kinds {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            assert_eq!(is_json(&headers), expected, "{kinds:?}");
        }
    }
}
