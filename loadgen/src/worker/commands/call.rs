//! One command from its due time to its outcome.

use std::time::Duration;

use highwater_scenarios::plan::{CommandLoad, Dialect, ReplyMode};
use rand::{SeedableRng, rngs::SmallRng};
use reqwest::{Client, Response, header};
use tokio::time::{Instant, timeout};

use super::{
    outcome::{CommandFailure, CommandResult, ReplyRoute},
    reply::{
        rest::{self, ReplyResult},
        sse,
    },
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
pub async fn issue_command(
    context: &Context,
    client: &Client,
    load: &CommandLoad,
    due: Instant,
) -> bool {
    let recorder = &context.recorder;
    recorder.count(Count::CommandsDue);
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    let Some(device) = context.connected_devices.pick_random(&mut rng) else {
        recorder.count(Count::CommandsDropped);
        return false;
    };
    let command = PreparedCommand::new(context, load, device);
    let in_flight = InFlightGuard::new(recorder);
    let sent = Instant::now();
    recorder.time(Timing::SendLag, sent.saturating_duration_since(due));
    let outcome = timeout(load.timeout, command.execute(context, client))
        .await
        .unwrap_or(CommandResult::TimedOut);
    drop(in_flight);
    outcome.count(recorder);
    let CommandResult::Replied { route: path, owner } = outcome else {
        return false;
    };
    let service = sent.elapsed();
    time_reply(recorder, path, due.elapsed(), service);
    if let Some(owner) = owner {
        recorder.time_owner(&owner, service);
    }
    true
}

fn time_reply(recorder: &Recorder, path: ReplyRoute, response: Duration, service: Duration) {
    recorder.time(Timing::CommandResponse, response);
    recorder.time(Timing::CommandService, service);
    match path {
        ReplyRoute::SameNode => recorder.time(Timing::CommandSameNode, service),
        ReplyRoute::CrossNode => recorder.time(Timing::CommandCrossNode, service),
        ReplyRoute::Unknown => {}
    }
}

/// A command that has been issued and has no outcome yet.
struct InFlightGuard<'a>(&'a Recorder);

impl<'a> InFlightGuard<'a> {
    fn new(recorder: &'a Recorder) -> Self {
        recorder.count(Count::CommandsIssued);
        recorder.add_to_level(Level::CommandsInFlight, 1);
        Self(recorder)
    }
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        self.0.add_to_level(Level::CommandsInFlight, -1);
    }
}

/// What is sent.
struct PreparedCommand<'a> {
    load: &'a CommandLoad,
    path: String,
    nonce: String,
    body: String,
}

impl<'a> PreparedCommand<'a> {
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
    async fn execute(&self, context: &Context, client: &Client) -> CommandResult {
        let endpoints = context.endpoints();
        let first = context.next_http_index();
        for turn in 0..endpoints.http.len() {
            let base = &endpoints.http[(first.wrapping_add(turn)) % endpoints.http.len()];
            match self.send(client, base).await {
                Ok(response) => return self.outcome_of(context.dialect, response).await,
                Err(error) if error.is_connect() => {}
                Err(_) => break,
            }
        }
        CommandResult::Failed(CommandFailure::Connection)
    }

    async fn send(&self, client: &Client, base: &str) -> reqwest::Result<Response> {
        let accept = match self.load.reply {
            ReplyMode::Rest => "application/json",
            ReplyMode::Sse => "text/event-stream",
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

    async fn outcome_of(&self, dialect: Dialect, response: Response) -> CommandResult {
        if !response.status().is_success() {
            let status = response.status().as_u16();
            // Read to its end, so that the connection can be used again.
            let _ = rest::read_body(response).await;
            return CommandResult::from_status(status);
        }
        let received = match (self.load.reply, dialect) {
            (ReplyMode::Sse, _) => sse::read_streamed_reply(response).await,
            (ReplyMode::Rest, Dialect::Highwater) => rest::read_reply(response).await,
            (ReplyMode::Rest, Dialect::Plain) => rest::read_unchecked_reply(response).await,
        };
        match received {
            ReplyResult::Reply(reply)
                if dialect == Dialect::Plain || reply.has_nonce(&self.nonce) =>
            {
                CommandResult::Replied {
                    route: reply.route(),
                    owner: reply.owner_name().map(str::to_owned),
                }
            }
            ReplyResult::Reply(_) | ReplyResult::Malformed => {
                CommandResult::Failed(CommandFailure::WrongReply)
            }
            ReplyResult::Status(status) => CommandResult::from_status(status),
            ReplyResult::ConnectionBroken => CommandResult::Failed(CommandFailure::Connection),
        }
    }
}
