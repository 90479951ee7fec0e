//! HTTP requests to the system's addresses, one address after the other.

use reqwest::{
    Client, Method, Response, StatusCode,
    header::{self, HeaderMap},
};

use highwater_reports::record::FailureExample;
use highwater_scenarios::secrets::mask_address;

use super::{failure_examples::text_of, http_clients::HttpClients};
use crate::error_chain::error_chain;

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
#[derive(Debug)]
pub enum SendError {
    /// No address accepted a connection: nothing was sent.
    NoListener(FailureExample),
    /// The connection broke: the system may have acted on the request.
    Broken(FailureExample),
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
/// `next` numbers the first address to try, modulo their count, and the client. It moves on past each
/// address without a listener, so that a caller that keeps it stays at one address.
pub async fn send_to_listener(
    clients: &HttpClients,
    bases: &[String],
    next: &mut usize,
    request: &HttpRequest,
) -> Result<Response, SendError> {
    let count = bases.len();
    let mut failure = FailureExample::of_error("no node takes commands now");
    for _ in 0..count {
        let base = &bases[*next % count];
        // Every base address gets all clients in turn, and with them its own addresses.
        let client = clients.of_request(*next / count);
        match request.send(client, base).await {
            Ok(response) => return Ok(response),
            // Nothing was sent on a connection that never was. After any other error
            // the system may have acted, and a second attempt could act twice.
            Err(error) if error.is_connect() => {
                *next = next.wrapping_add(1);
                failure = error_example(error, base);
            }
            Err(error) => return Err(SendError::Broken(error_example(error, base))),
        }
    }
    Err(SendError::NoListener(failure))
}

fn error_example(error: reqwest::Error, base: &str) -> FailureExample {
    // Its address has the path and the query of the request.
    FailureExample::of_error(error_chain(&error.without_url())).at(base)
}

/// Reads the rest of a response, so that its connection can be used again, and returns it as
/// an example.
pub async fn response_example(response: Response) -> FailureExample {
    let status = response.status();
    let location = response.headers().get(header::LOCATION);
    let location = location.map(|location| redirect_of(location.as_bytes()));
    let body = read_body(response).await.unwrap_or_default();
    FailureExample {
        status: Some(status_text(status.as_u16(), "")),
        location,
        body: Some(text_of(&body)),
        ..FailureExample::default()
    }
}

/// Returns a status with its reason phrase; without one, with that of the standard.
pub fn status_text(status: u16, reason: &str) -> String {
    let known = StatusCode::from_u16(status).ok();
    let known = known.and_then(|status| status.canonical_reason());
    let reason = match reason {
        "" => known.unwrap_or_default(),
        reason => reason,
    };
    format!("{status} {reason}").trim_end().to_owned()
}

/// Returns the address in a `Location`, with `***` for the values of its query.
pub fn redirect_of(location: &[u8]) -> String {
    mask_address(&text_of(location))
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

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
    };

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::access::{ClientAccess, ClientOptions, resolver::spread_addresses};

    #[test]
    fn status_has_the_phrase_of_the_server_or_of_the_standard() {
        assert_eq!(status_text(401, "Go Away"), "401 Go Away");
        assert_eq!(status_text(404, ""), "404 Not Found");
        assert_eq!(status_text(799, ""), "799");
    }

    #[test]
    fn redirect_shows_no_value_of_its_query() {
        assert_eq!(redirect_of(b"/login?state=s3cr3t"), "/login?state=***");
    }

    /// Answers every request of every connection; counts both.
    async fn serve(
        listener: TcpListener,
        connections: Arc<AtomicUsize>,
        requests: Arc<AtomicUsize>,
    ) {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.fetch_add(1, Relaxed);
            let requests = requests.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while stream.read_buf(&mut head).await.is_ok_and(|read| read > 0) {
                    // The body of the request is empty.
                    if head.ends_with(b"\r\n\r\n") {
                        requests.fetch_add(1, Relaxed);
                        head.clear();
                        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                        if stream.write_all(answer).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    }

    #[tokio::test]
    async fn requests_take_turns_over_the_addresses_of_a_name() {
        const NAME: &str = "system.example";
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let mut listeners = vec![first];
        for host in [2, 3] {
            let address = SocketAddr::from(([127, 0, 0, host], port));
            listeners.push(TcpListener::bind(address).await.unwrap());
        }
        let addresses: Vec<SocketAddr> = listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap())
            .collect();
        let counts: Vec<[Arc<AtomicUsize>; 2]> =
            addresses.iter().map(|_| Default::default()).collect();
        for (listener, [connections, requests]) in listeners.into_iter().zip(&counts) {
            tokio::spawn(serve(listener, connections.clone(), requests.clone()));
        }
        // In place of the lookup: each client starts at an address of its own.
        let options = ClientOptions::new(&ClientAccess::default()).unwrap();
        let clients = (0..3).map(|number| {
            let spread = spread_addresses(addresses.iter().copied(), number);
            options
                .http_client(number, 3, |client| client.resolve_to_addrs(NAME, &spread))
                .unwrap()
        });
        let clients = HttpClients::of(clients.collect());
        let bases = [format!("http://{NAME}:{port}")];
        let request = HttpRequest {
            method: Method::POST,
            path: "/".to_owned(),
            headers: Vec::new(),
            device_headers: HeaderMap::new(),
            body: String::new(),
        };
        for number in 0..12 {
            let mut next = number;
            let posted = send_to_listener(&clients, &bases, &mut next, &request).await;
            assert_eq!(posted.unwrap().status(), 204);
        }
        for [connections, requests] in counts {
            // Four requests over one connection, which stays open.
            assert_eq!((connections.load(Relaxed), requests.load(Relaxed)), (1, 4));
        }
    }
}
