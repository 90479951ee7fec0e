//! HTTP requests to the system's addresses, one address after the other.

use reqwest::{
    Client, Response,
    header::{self, HeaderMap},
};

/// Longest body that is read, in bytes: a broken server must not fill the worker.
const BODY_LIMIT: usize = 1 << 20;

/// A POST request, apart from the address that it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Path and query below a base address, with the leading slash.
    pub path: String,
    /// Names and values of header fields.
    pub headers: Vec<(&'static str, String)>,
    /// Header fields of the scenario that name the request's device.
    pub device_headers: HeaderMap,
    /// The body.
    pub body: String,
}

/// The reason why a request got no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostError {
    /// No address accepted a connection: nothing was sent.
    NoListener,
    /// The connection broke: the system may have acted on the request.
    Broken,
}

impl HttpRequest {
    /// Creates a request with a JSON body.
    pub fn json(path: String, body: String) -> Self {
        let content_type = (header::CONTENT_TYPE.as_str(), "application/json".to_owned());
        Self {
            path,
            headers: vec![content_type],
            device_headers: HeaderMap::new(),
            body,
        }
    }

    /// Adds a header field.
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    async fn post(&self, client: &Client, base: &str) -> reqwest::Result<Response> {
        // A base address of a target may end with a slash.
        let url = format!("{}{}", base.trim_end_matches('/'), self.path);
        let mut request = client
            .post(url)
            .headers(self.device_headers.clone())
            .body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.send().await
    }
}

/// Posts `request` to the first address that accepts a connection.
///
/// `next` numbers the first address to try, modulo their count. It moves on past each
/// address without a listener, so that a caller that keeps it stays at one address.
pub async fn post_to_listener(
    client: &Client,
    bases: &[String],
    next: &mut usize,
    request: &HttpRequest,
) -> Result<Response, PostError> {
    for _ in 0..bases.len() {
        let base = &bases[*next % bases.len()];
        match request.post(client, base).await {
            Ok(response) => return Ok(response),
            // Nothing was sent on a connection that never was. After any other error
            // the system may have acted, and a second attempt could act twice.
            Err(error) if error.is_connect() => *next = next.wrapping_add(1),
            Err(_) => return Err(PostError::Broken),
        }
    }
    Err(PostError::NoListener)
}

/// Reads the whole body; `None` if it breaks off or is longer than the limit.
///
/// A response whose body is of no interest is read as well: the client keeps the
/// connection for the next request only after its end.
pub async fn read_body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}
