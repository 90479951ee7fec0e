//! Fetches text over HTTP within bounds of time and size.

use std::time::Duration;

use highwater_scenarios::secrets::mask_address;
use reqwest::{Client, StatusCode, header};
use thiserror::Error;
use tokio::time::timeout;

/// The longest time for one answer. It lies below the second between two samples, so that an
/// endpoint that hangs never delays the next sample.
const SCRAPE_TIMEOUT: Duration = Duration::from_millis(800);

/// The size, in bytes, of the largest answer that is read.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The reason why an endpoint gave no text. The address has `***` for what may be a secret.
#[derive(Debug, Error)]
pub enum ScrapeError {
    /// The endpoint did not answer in time.
    #[error("cannot read {url}: no answer within {SCRAPE_TIMEOUT:?}")]
    TimedOut {
        /// The endpoint.
        url: String,
    },
    /// The status was not 2xx. Redirects are not followed.
    #[error("cannot read {url}: status {status}")]
    Status {
        /// The endpoint.
        url: String,
        /// The status.
        status: StatusCode,
    },
    /// The request failed.
    #[error("cannot read {url}")]
    Http {
        /// The endpoint.
        url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The answer is larger than the limit.
    #[error("cannot read {url}: the answer is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge {
        /// The endpoint.
        url: String,
    },
}

/// Returns the text at `url`.
///
/// # Errors
///
/// If the answer exceeds the bounds of time or size, or if its status is not 2xx.
pub async fn scrape(client: &Client, url: &str) -> Result<String, ScrapeError> {
    let answered = timeout(SCRAPE_TIMEOUT, read(client, url)).await;
    let url = mask_address(url);
    answered.unwrap_or(Err(ScrapeError::TimedOut { url }))
}

async fn read(client: &Client, url: &str) -> Result<String, ScrapeError> {
    let failed = |source: reqwest::Error| ScrapeError::Http {
        url: mask_address(url),
        // It would show the address as it is.
        source: source.without_url(),
    };
    let request = client
        .get(url)
        .header(header::ACCEPT, "text/plain;version=0.0.4");
    let mut answer = request.send().await.map_err(failed)?;
    if !answer.status().is_success() {
        let (url, status) = (mask_address(url), answer.status());
        return Err(ScrapeError::Status { url, status });
    }
    // Read chunk by chunk: `Content-Length` is the endpoint's claim, not a bound.
    let mut body = Vec::new();
    while let Some(bytes) = answer.chunk().await.map_err(failed)? {
        if body.len() + bytes.len() > MAX_BODY_BYTES {
            let url = mask_address(url);
            return Err(ScrapeError::TooLarge { url });
        }
        body.extend_from_slice(&bytes);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}
