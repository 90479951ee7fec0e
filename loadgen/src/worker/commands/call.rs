//! One command from its due time to its outcome.

use std::time::Duration;

use highwater_scenarios::plan::{CommandLoad, Dialect, Reply};
use rand::{SeedableRng, rngs::SmallRng};
use reqwest::{Client, Response, header};
use tokio::time::{Instant, timeout};

use super::{
    event_stream,
    outcome::{Failure, Outcome, Path},
    reply::{self, Received},
};
use crate::worker::{
    context::Context,
    devices::device::DeviceKey,
    recorder::{Count, Level, Recorder, Timing},
};

/// What the node may take to answer; it gives up when the caller does.
const TIMEOUT_FIELD: &str = "x-highwater-timeout-ms";

/// Sends the command that is due at `due` to a random connected device, waits
/// for its outcome and counts it. Without any connected device the command is
/// dropped. Answers whether there was a reply.
pub async fn call(context: &Context, client: &Client, load: &CommandLoad, due: Instant) -> bool {
    let recorder = &context.recorder;
    recorder.count(Count::CommandsDue);
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    let Some(device) = context.connected.draw(&mut rng) else {
        recorder.count(Count::CommandsDropped);
        return false;
    };
    let command = Command::new(context, load, device);
    let in_flight = InFlight::new(recorder);
    let sent = Instant::now();
    recorder.time(Timing::SendLag, sent.saturating_duration_since(due));
    let outcome = timeout(load.timeout, command.outcome(context, client))
        .await
        .unwrap_or(Outcome::TimedOut);
    drop(in_flight);
    outcome.count(recorder);
    let Outcome::Replied { path, owner } = outcome else {
        return false;
    };
    let service = sent.elapsed();
    time_reply(recorder, path, due.elapsed(), service);
    if let Some(owner) = owner {
        recorder.time_owner(&owner, service);
    }
    true
}

fn time_reply(recorder: &Recorder, path: Path, response: Duration, service: Duration) {
    recorder.time(Timing::CommandResponse, response);
    recorder.time(Timing::CommandService, service);
    match path {
        Path::SameNode => recorder.time(Timing::CommandSameNode, service),
        Path::CrossNode => recorder.time(Timing::CommandCrossNode, service),
        Path::Unknown => {}
    }
}

/// A command that has been issued and has no outcome yet.
struct InFlight<'a>(&'a Recorder);

impl<'a> InFlight<'a> {
    fn new(recorder: &'a Recorder) -> Self {
        recorder.count(Count::CommandsIssued);
        recorder.shift(Level::CommandsInFlight, 1);
        Self(recorder)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.shift(Level::CommandsInFlight, -1);
    }
}

/// What is sent.
struct Command<'a> {
    load: &'a CommandLoad,
    path: String,
    nonce: String,
    body: String,
}

impl<'a> Command<'a> {
    fn new(context: &Context, load: &'a CommandLoad, device: DeviceKey) -> Self {
        let pool = &context.plan.devices[device.pool as usize];
        let nonce = format!("{:016x}", rand::random::<u64>());
        let name = serde_json::Value::from(load.name.as_str());
        Self {
            load,
            path: load.path.replace("{device}", &device.id(pool)),
            body: format!(r#"{{"name":{name},"body":{{"nonce":"{nonce}"}}}}"#),
            nonce,
        }
    }

    /// Tries the system's addresses in turn, the next one only when nobody
    /// listens at the last: then the command has not been sent yet.
    async fn outcome(&self, context: &Context, client: &Client) -> Outcome {
        let endpoints = context.endpoints();
        let first = context.next_http();
        for turn in 0..endpoints.http.len() {
            let base = &endpoints.http[(first.wrapping_add(turn)) % endpoints.http.len()];
            match self.send(client, base).await {
                Ok(response) => return self.judge(context.dialect, response).await,
                Err(error) if error.is_connect() => {}
                Err(_) => break,
            }
        }
        Outcome::Failed(Failure::Connection)
    }

    async fn send(&self, client: &Client, base: &str) -> reqwest::Result<Response> {
        let accept = match self.load.reply {
            Reply::Rest => "application/json",
            Reply::Sse => "text/event-stream",
        };
        client
            .post(format!("{}{}", base.trim_end_matches('/'), self.path))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, accept)
            .header(TIMEOUT_FIELD, self.load.timeout.as_millis().to_string())
            .body(self.body.clone())
            .send()
            .await
    }

    async fn judge(&self, dialect: Dialect, response: Response) -> Outcome {
        if !response.status().is_success() {
            let status = response.status().as_u16();
            // Read to its end, so that the connection can be used again.
            let _ = reply::body(response).await;
            return Outcome::of_status(status);
        }
        let received = match (self.load.reply, dialect) {
            (Reply::Sse, _) => event_stream::reply(response).await,
            (Reply::Rest, Dialect::Highwater) => reply::reply(response).await,
            (Reply::Rest, Dialect::Plain) => reply::unchecked(response).await,
        };
        match received {
            Received::Reply(reply) if dialect == Dialect::Plain || reply.answers(&self.nonce) => {
                Outcome::Replied {
                    path: reply.path(),
                    owner: reply.owner_name().map(str::to_owned),
                }
            }
            Received::Reply(_) | Received::Malformed => Outcome::Failed(Failure::WrongReply),
            Received::Status(status) => Outcome::of_status(status),
            Received::Broken => Outcome::Failed(Failure::Connection),
        }
    }
}
