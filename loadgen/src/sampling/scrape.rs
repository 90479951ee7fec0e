//! Fetches text over HTTP within bounds of time and size.

use std::time::Duration;

use reqwest::{Client, StatusCode, header};
use thiserror::Error;
use tokio::time::timeout;

/// The longest time for one answer. It lies below the second between two samples, so that an
/// endpoint that hangs never delays the next sample.
const SCRAPE_TIMEOUT: Duration = Duration::from_millis(800);

/// The size, in bytes, of the largest answer that is read.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The reason why an endpoint gave no text.
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
    answered.unwrap_or_else(|_| Err(ScrapeError::TimedOut { url: url.into() }))
}

async fn read(client: &Client, url: &str) -> Result<String, ScrapeError> {
    let failed = |source| ScrapeError::Http {
        url: url.into(),
        source,
    };
    let request = client
        .get(url)
        .header(header::ACCEPT, "text/plain;version=0.0.4");
    let mut answer = request.send().await.map_err(failed)?;
    if !answer.status().is_success() {
        let (url, status) = (url.to_owned(), answer.status());
        return Err(ScrapeError::Status { url, status });
    }
    // Read chunk by chunk: `Content-Length` is the endpoint's claim, not a bound.
    let mut body = Vec::new();
    while let Some(bytes) = answer.chunk().await.map_err(failed)? {
        if body.len() + bytes.len() > MAX_BODY_BYTES {
            return Err(ScrapeError::TooLarge { url: url.into() });
        }
        body.extend_from_slice(&bytes);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}
