//! Fetches text over HTTP within bounds of time and size.

use std::{io::Read, time::Duration};

use flate2::read::MultiGzDecoder;
use highwater_scenarios::secrets::mask_address;
use reqwest::{
    Client, ClientBuilder, RequestBuilder, Response, StatusCode,
    header::{self, HeaderMap},
};
use thiserror::Error;
use tokio::time::timeout;

/// The longest time for one answer. It lies below the second between two samples, so that an
/// endpoint that hangs never delays the next sample.
const SCRAPE_TIMEOUT: Duration = Duration::from_millis(800);

/// The size, in bytes, of the largest answer that is read, and of the largest text in one.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The text format of Prometheus.
const TEXT: &str = "text/plain;version=0.0.4";

/// The formats of a metrics endpoint. The text format comes first, because most endpoints have
/// it and OpenMetrics adds nothing that a gauge needs.
const METRICS: &str = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.9, \
                       */*;q=0.1";

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
    /// The answer has an encoding that was not asked for, or breaks its own.
    #[error("cannot read {url}: the answer is not valid {encoding}")]
    Encoding {
        /// The endpoint.
        url: String,
        /// The encoding that the answer names.
        encoding: String,
    },
}

/// Makes a client leave answers as they are. Another user of the HTTP library may have switched
/// its own decompression on, which names no broken encoding.
pub(crate) fn without_decompression(client: ClientBuilder) -> ClientBuilder {
    client.no_gzip()
}

/// Returns the text at `url`.
///
/// # Errors
///
/// If the answer exceeds the bounds of time or size, or if its status is not 2xx.
pub async fn scrape(client: &Client, url: &str) -> Result<String, ScrapeError> {
    let request = client.get(url).header(header::ACCEPT, TEXT);
    within_timeout(request, url).await
}

/// Returns the text of a metrics endpoint, asked with further header fields. The endpoint may
/// compress it.
///
/// # Errors
///
/// If the answer or its text exceeds the bounds of time or size, if it is compressed otherwise
/// than by gzip, or if its status is not 2xx.
pub async fn scrape_metrics(
    client: &Client,
    url: &str,
    headers: &HeaderMap,
) -> Result<String, ScrapeError> {
    let request = client
        .get(url)
        .header(header::ACCEPT, METRICS)
        .header(header::ACCEPT_ENCODING, "gzip")
        .headers(headers.clone());
    within_timeout(request, url).await
}

async fn within_timeout(request: RequestBuilder, url: &str) -> Result<String, ScrapeError> {
    let answered = timeout(SCRAPE_TIMEOUT, read(request, url)).await;
    answered.unwrap_or_else(|_| {
        Err(ScrapeError::TimedOut {
            url: mask_address(url),
        })
    })
}

async fn read(request: RequestBuilder, url: &str) -> Result<String, ScrapeError> {
    let failed = |source: reqwest::Error| ScrapeError::Http {
        url: mask_address(url),
        // It would show the address as it is.
        source: source.without_url(),
    };
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
    let text = decoded(body, &answer, url)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Decompresses a body, if the answer says that it is compressed.
fn decoded(body: Vec<u8>, answer: &Response, url: &str) -> Result<Vec<u8>, ScrapeError> {
    let encoding = answer.headers().get(header::CONTENT_ENCODING);
    let encoding = encoding.map_or("identity".into(), |value| {
        String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase()
    });
    let invalid = || ScrapeError::Encoding {
        url: mask_address(url),
        // The endpoint's own word, of any length.
        encoding: encoding
            .chars()
            .filter(char::is_ascii_graphic)
            .take(40)
            .collect(),
    };
    match encoding.trim() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => {
            let mut text = Vec::new();
            // A few kilobytes can become gigabytes, so the reader stops behind the limit.
            let mut bounded = MultiGzDecoder::new(&*body).take(MAX_BODY_BYTES as u64 + 1);
            bounded.read_to_end(&mut text).map_err(|_| invalid())?;
            match text.len() > MAX_BODY_BYTES {
                true => Err(ScrapeError::TooLarge {
                    url: mask_address(url),
                }),
                false => Ok(text),
            }
        }
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::access::CertVerification;

    fn gzipped(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Answers one request with a body in an encoding. Returns the request and the result.
    async fn answered(encoding: &str, body: Vec<u8>) -> (String, Result<String, ScrapeError>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        let client = CertVerification::NoTls.http_client(without_decompression);
        let client = client.unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, "Bearer t".parse().unwrap())]);
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).await.unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body).await.unwrap();
            (
                String::from_utf8_lossy(&request[..length]).into_owned(),
                stream,
            )
        };
        let scraped = scrape_metrics(&client, &url, &headers);
        let ((request, _stream), result) = tokio::join!(answer, scraped);
        (request, result)
    }

    #[tokio::test]
    async fn compressed_text_is_read_with_the_header_fields() {
        let (request, text) = answered("gzip", gzipped(b"sockets 3\n")).await;
        assert_eq!(text.unwrap(), "sockets 3\n");
        let request = request.to_lowercase();
        for field in [
            "authorization: bearer t\r\n",
            "accept-encoding: gzip\r\n",
            "application/openmetrics-text;version=1.0.0;q=0.9",
        ] {
            assert!(request.contains(field), "{request}");
        }
        // The format allows several compressed parts behind each other.
        let parts = [gzipped(b"a 1\n"), gzipped(b"b 2\n")].concat();
        assert_eq!(answered("x-gzip", parts).await.1.unwrap(), "a 1\nb 2\n");
        assert_eq!(
            answered("identity", b"a 1".to_vec()).await.1.unwrap(),
            "a 1"
        );
    }

    #[tokio::test]
    async fn inflated_text_is_bounded() {
        let bomb = gzipped(&vec![b' '; 2 * MAX_BODY_BYTES]);
        assert!(bomb.len() < MAX_BODY_BYTES / 100);
        let (_, result) = answered("gzip", bomb).await;
        assert!(matches!(result, Err(ScrapeError::TooLarge { .. })));
    }

    #[tokio::test]
    async fn body_that_is_not_its_encoding_is_an_error() {
        for (encoding, body) in [
            ("gzip", b"sockets 3\n".to_vec()),
            ("br", b"sockets 3\n".to_vec()),
            ("gzip", gzipped(b"sockets 3\n")[..12].to_vec()),
        ] {
            let error = answered(encoding, body).await.1.unwrap_err();
            let expected = format!("the answer is not valid {encoding}");
            assert!(error.to_string().ends_with(&expected), "{error}");
        }
    }
}
