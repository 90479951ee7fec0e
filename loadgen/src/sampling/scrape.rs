//! Asks a Prometheus endpoint, within bounds of time and size.

use std::time::Duration;

use reqwest::{Client, header};
use thiserror::Error;
use tokio::time::timeout;

/// Longest time for one answer; below the second between two samples, so that
/// an endpoint which hangs never delays the next.
const SCRAPE_TIMEOUT: Duration = Duration::from_millis(800);

/// Largest answer that is read, in bytes.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Why an endpoint gave no text.
#[derive(Debug, Error)]
pub enum ScrapeError {
    /// No answer in time.
    #[error("{url} did not answer within {SCRAPE_TIMEOUT:?}")]
    TimedOut {
        /// The endpoint.
        url: String,
    },
    /// The endpoint could not be asked, or broke off.
    #[error("cannot read {url}")]
    Http {
        /// The endpoint.
        url: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// The answer is larger than is read.
    #[error("{url} answers with more than {MAX_BODY_BYTES} bytes")]
    TooLarge {
        /// The endpoint.
        url: String,
    },
}

/// The text that the endpoint answers with.
///
/// # Errors
///
/// If there is none within time and size, or its status is not 2xx.
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
    let answer = request.send().await.map_err(failed)?;
    let mut answer = answer.error_for_status().map_err(failed)?;
    let mut body = Vec::new();
    while let Some(bytes) = answer.chunk().await.map_err(failed)? {
        if body.len() + bytes.len() > MAX_BODY_BYTES {
            return Err(ScrapeError::TooLarge { url: url.into() });
        }
        body.extend_from_slice(&bytes);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}
