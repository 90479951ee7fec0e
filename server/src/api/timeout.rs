//! The time that a caller waits for a command's outcome.

use axum::http::HeaderMap;

use super::ApiError;

const TIMEOUT_HEADER: &str = "x-highwater-timeout-ms";
/// The time of a request without the header.
const DEFAULT_TIMEOUT_MS: u32 = 5000;
/// The longest time: a longer one is shortened to it.
const MAX_TIMEOUT_MS: u32 = 60_000;

/// Returns the time that the caller waits, in milliseconds, within its bounds.
pub(crate) fn timeout_ms(headers: &HeaderMap) -> Result<u32, ApiError> {
    let Some(value) = headers.get(TIMEOUT_HEADER) else {
        return Ok(DEFAULT_TIMEOUT_MS);
    };
    let parsed: Option<u64> = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let Some(timeout_ms) = parsed else {
        return Err(ApiError::bad_request(
            "X-Highwater-Timeout-Ms is not a number",
            "give milliseconds, 1 to 60000",
        ));
    };
    // A time out of bounds is moved to the bound rather than rejected.
    Ok(u32::try_from(timeout_ms)
        .unwrap_or(u32::MAX)
        .clamp(1, MAX_TIMEOUT_MS))
}
