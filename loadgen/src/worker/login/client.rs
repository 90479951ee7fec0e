//! One login from its start to its result.

use std::time::Duration;

use highwater_reports::record::names::counter;
use reqwest::{
    Client, Response,
    header::{HeaderMap, LOCATION},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use super::{compiled::CompiledLogin, failure::LoginFailure, take::LoginAnswer};
use crate::{
    access::{ClientOptions, TlsSetupError},
    control::RequestKind,
    keys::DeviceKey,
    worker::{
        context::Context,
        recorder::{Count, Timing},
        unexpected_answers::UnexpectedAnswers,
        values::TakenValues,
    },
};

/// Logins of one worker that are in flight at once. Devices that lose their sockets together
/// log in together; further ones wait, and the wait counts as send lag. The files of these
/// connections are a part of the reserve of every worker.
const MAX_LOGINS_IN_FLIGHT: usize = 128;

/// The time after which the client closes an idle connection.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);

/// Most bytes of a body that are read. The rest is cut, with its connection.
const BODY_LIMIT: usize = 256 << 10;

/// The HTTP client of a worker's logins. Its requests have the header fields of their login
/// alone, and no redirect is followed.
pub struct LoginClient {
    client: Client,
    permits: Semaphore,
}

impl LoginClient {
    /// Makes the client.
    ///
    /// # Errors
    /// If the authorities' certificates are not valid.
    pub fn new(options: &ClientOptions) -> Result<Self, TlsSetupError> {
        let configure = |client: reqwest::ClientBuilder| client.pool_idle_timeout(IDLE_CONNECTION);
        Ok(Self {
            client: options.client_without_headers(configure)?,
            permits: Semaphore::new(MAX_LOGINS_IN_FLIGHT),
        })
    }

    /// Logs a device in, and keeps the values of the answer for its sockets and commands. A
    /// pool without a login has nothing to do.
    ///
    /// # Errors
    /// If the login fails, which is counted.
    pub async fn log_in(&self, context: &Context, key: DeviceKey) -> Result<(), LoginFailure> {
        let Some(pool) = context.pools.get(key.pool as usize) else {
            return Ok(());
        };
        let Some(login) = &pool.login else {
            return Ok(());
        };
        let recorder = &context.recorder;
        recorder.count(Count::LoginsDue);
        match self.log_in_timed(context, key, login).await {
            Ok(values) => {
                recorder.count(Count::LoginsSucceeded);
                pool.set_taken(key, values);
                Ok(())
            }
            Err(failure) => {
                recorder.count(Count::LoginsFailed);
                recorder.count_kind(counter::LOGINS_FAILED, &failure.kind());
                Err(failure)
            }
        }
    }

    async fn log_in_timed(
        &self,
        context: &Context,
        key: DeviceKey,
        login: &CompiledLogin,
    ) -> Result<TakenValues, LoginFailure> {
        let due = Instant::now();
        // An error says that the permits were closed, which nothing does.
        let _permit = self.permits.acquire().await.ok();
        let sent = Instant::now();
        let recorder = &context.recorder;
        recorder.time(Timing::SendLag, sent.saturating_duration_since(due));
        let values = self.send(context, key, login);
        let values = timeout(login.timeout, values)
            .await
            .unwrap_or(Err(LoginFailure::Timeout))?;
        recorder.time(Timing::LoginResponse, due.elapsed());
        recorder.time(Timing::LoginService, sent.elapsed());
        Ok(values)
    }

    async fn send(
        &self,
        context: &Context,
        key: DeviceKey,
        login: &CompiledLogin,
    ) -> Result<TakenValues, LoginFailure> {
        let values = context
            .device_values(key)
            .ok_or(LoginFailure::InvalidValue)?;
        let request = login.request(&self.client, &values)?;
        let response = request.send().await;
        let mut response = response.map_err(|_| LoginFailure::Connection)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        if status != login.expect {
            record_unexpected(&context.unexpected_answers, status, &headers);
        }
        // Read in any case, so that the connection can be used again.
        let body = read_start(response).await?;
        match status == login.expect {
            true => login.take(&LoginAnswer::new(headers, body)),
            false => Err(LoginFailure::Status(status)),
        }
    }
}

/// Keeps the answer as an example, without its body and without the query of its `Location`:
/// both may repeat what was sent.
fn record_unexpected(answers: &UnexpectedAnswers, status: u16, headers: &HeaderMap) {
    let location = headers.get(LOCATION).map(|location| location.as_bytes());
    let path = location.and_then(|location| location.split(|byte| b"?#".contains(byte)).next());
    answers.record(RequestKind::Login, status, path, b"");
}

/// Reads the beginning of a body.
async fn read_start(mut response: Response) -> Result<Vec<u8>, LoginFailure> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|_| LoginFailure::Connection)? else {
            return Ok(body);
        };
        let room = BODY_LIMIT - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            return Ok(body);
        }
    }
}
