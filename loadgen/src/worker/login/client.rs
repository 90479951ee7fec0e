//! The HTTP clients of a worker's logins.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use highwater_reports::record::FailureExample;
use highwater_scenarios::frames::Values;
use reqwest::{
    Request, Response,
    header::{HeaderMap, LOCATION},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{
    compiled::CompiledLogin,
    failure::{LoginError, LoginFailure},
    take::LoginAnswer,
    taken::TakenValues,
};
use crate::{
    access::{ClientOptions, TlsSetupError},
    error_chain::error_chain,
    worker::{
        http::{redirect_of, status_text},
        http_clients::HttpClients,
        observer::{SocketEvent, is_observed, observe},
    },
};

/// Logins of one worker that are in flight at once. Devices that lose their sockets together
/// log in together; further ones wait, and the wait counts as send lag. The files of these
/// connections are a part of the reserve of every worker.
const MAX_LOGINS_IN_FLIGHT: usize = 128;

/// Most bytes of a body that are read. The rest is cut, with its connection.
const BODY_LIMIT: usize = 256 << 10;

/// The HTTP clients of a worker's logins. Their requests have the header fields of their login
/// alone, and no redirect is followed.
pub struct LoginClient {
    clients: HttpClients,
    next: AtomicUsize,
    permits: Semaphore,
}

impl LoginClient {
    /// Builds the clients for logins at these addresses.
    ///
    /// # Errors
    /// If certificates, the key or the proxy are not valid.
    pub async fn new(options: &ClientOptions, addresses: &[String]) -> Result<Self, TlsSetupError> {
        Ok(Self {
            clients: HttpClients::for_logins(options, addresses).await?,
            next: AtomicUsize::new(0),
            permits: Semaphore::new(MAX_LOGINS_IN_FLIGHT),
        })
    }

    /// Waits until one more login may be in flight.
    pub async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // An error says that the permits were closed, which nothing does.
        self.permits.acquire().await.ok()
    }

    /// Sends the login of a device and takes the values of the answer.
    ///
    /// # Errors
    /// If the answer does not come in time, is another than the expected one, or lacks a value.
    pub async fn log_in(
        &self,
        login: &CompiledLogin,
        values: &(dyn Values + Sync),
    ) -> Result<TakenValues, LoginError> {
        let answer = timeout(login.timeout, self.send(login, values));
        answer.await.unwrap_or(Err(LoginFailure::Timeout.into()))
    }

    async fn send(
        &self,
        login: &CompiledLogin,
        values: &(dyn Values + Sync),
    ) -> Result<TakenValues, LoginError> {
        let client = self.clients.of_request(self.next.fetch_add(1, Relaxed));
        let request = login.request(client, values)?;
        observe_request(&request);
        let response = client.execute(request).await;
        let mut response = response.map_err(connection_error)?;
        let status = response.status().as_u16();
        let version = response.version();
        let headers = std::mem::take(response.headers_mut());
        // Read in any case, so that the connection can be used again.
        let body = read_start(response).await?;
        let answer = LoginAnswer::new(headers, body);
        let taken = match status == login.expect {
            true => login.take(&answer),
            false => Err(unexpected(status, &answer.headers)),
        };
        if is_observed() {
            // First the values, which the lines of the answer must not show.
            let values = taken
                .as_ref()
                .map_or_else(|_| Vec::new(), |taken| login.texts_of(taken));
            observe(|| SocketEvent::OwnValues(&values));
            let first = format!("{version:?} {}", status_text(status, ""));
            let head = head_text(&first, &answer.headers);
            observe(|| SocketEvent::HttpResponse {
                head: &head,
                body: &answer.body,
            });
        }
        taken
    }
}

/// Returns the failure of a login with another status than the expected one. Its example has
/// neither the body nor the query of `Location`: both may repeat what was sent.
fn unexpected(status: u16, headers: &HeaderMap) -> LoginError {
    let location = headers.get(LOCATION).map(|location| {
        let location = location.as_bytes();
        let path = location.split(|byte| b"?#".contains(byte)).next();
        redirect_of(path.unwrap_or_default())
    });
    LoginError {
        cause: LoginFailure::Status(status),
        example: Box::new(FailureExample {
            status: Some(status_text(status, "")),
            location,
            ..FailureExample::default()
        }),
    }
}

fn connection_error(error: reqwest::Error) -> LoginError {
    LoginError {
        cause: LoginFailure::Connection,
        // Its address has the path and the query of the request.
        example: Box::new(FailureExample::of_error(error_chain(&error.without_url()))),
    }
}

/// Reads the beginning of a body.
async fn read_start(mut response: Response) -> Result<Vec<u8>, LoginError> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(connection_error)? else {
            return Ok(body);
        };
        let room = BODY_LIMIT - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            return Ok(body);
        }
    }
}

fn observe_request(request: &Request) {
    if is_observed() {
        let first = format!("{} {}", request.method(), request.url());
        let head = head_text(&first, request.headers());
        let body = request.body().and_then(reqwest::Body::as_bytes);
        observe(|| SocketEvent::HttpRequest {
            head: &head,
            body: body.unwrap_or_default(),
        });
    }
}

/// Returns a first line with the header fields below it.
fn head_text(first: &str, headers: &HeaderMap) -> String {
    let fields = headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        format!("{name}: {value}\r\n")
    });
    format!("{first}\r\n{}", fields.collect::<String>())
}
