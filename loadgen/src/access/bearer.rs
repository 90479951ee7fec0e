//! The token of a client that asks only the processes of one run.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::SecretString;

/// Returns the header field of a token; no field without one.
pub(crate) fn bearer_headers(token: Option<&SecretString>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = token.map(|token| format!("Bearer {}", token.expose_secret()));
    if let Some(Ok(mut value)) = value.map(HeaderValue::try_from) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    headers
}
