//! HTTP requests to the system's addresses, one address after the other.

use reqwest::{
    Client, Method, Response,
    header::{self, HeaderMap},
};

use crate::endpoints::Endpoints;

/// Longest body that is read, in bytes: a broken server must not fill the worker.
const BODY_LIMIT: usize = 1 << 20;

/// A request, apart from the address that it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Path and query below a base address, with the leading slash.
    pub path: String,
    /// Names and values of header fields.
    pub headers: Vec<(&'static str, String)>,
    /// Header fields of the scenario for this request and its device.
    pub device_headers: HeaderMap,
    /// The body.
    pub body: String,
}

/// The reason why a request got no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
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
            method: Method::POST,
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

    async fn send(&self, client: &Client, base: &str) -> reqwest::Result<Response> {
        // A base address of a target may end with a slash.
        let url = format!("{}{}", base.trim_end_matches('/'), self.path);
        let mut request = client
            .request(self.method.clone(), url)
            .headers(self.device_headers.clone())
            .body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.send().await
    }
}

/// Sends `request` to the first address that accepts a connection.
///
/// `next` numbers the first address to try, modulo their count. It moves on past each
/// address without a listener, so that a caller that keeps it stays at one address.
pub async fn send_to_listener(
    client: &Client,
    endpoints: &Endpoints,
    next: &mut usize,
    request: &HttpRequest,
) -> Result<Response, SendError> {
    for _ in 0..endpoints.http.len() {
        let base = &endpoints.http[*next % endpoints.http.len()];
        match request.send(client, base).await {
            Ok(response) => return Ok(response),
            // Nothing was sent on a connection that never was. After any other error
            // the system may have acted, and a second attempt could act twice.
            Err(error) if error.is_connect() => *next = next.wrapping_add(1),
            Err(_) => return Err(SendError::Broken),
        }
    }
    Err(SendError::NoListener)
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
