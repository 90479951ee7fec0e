//! One command from its due time to its result.

use std::time::Duration;

use highwater_scenarios::plan::CommandLoad;
use rand::{SeedableRng, rngs::SmallRng};
use reqwest::{Client, Response, header};
use tokio::time::{Instant, timeout};

use super::{
    outcome::{CommandFailure, CommandResult, ReplyRoute},
    reply,
};
use crate::{
    control::RequestKind,
    keys::DeviceKey,
    worker::{
        context::Context,
        dialect::{OutgoingCommand, ReplyResult},
        http::{HttpRequest, post_to_listener, read_body},
        recorder::{Count, Level, Recorder, Timing},
    },
};

/// Sends the command that is due at `due` to a random connected device, waits for its
/// result and counts it. Returns whether there was a reply.
///
/// The command is not sent if no device is connected.
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
        recorder.count(Count::CommandsNoDevice);
        return false;
    };
    let command = PreparedCommand::new(context, load, device);
    // Counted before it is sent: the drain must see every command that may be answered.
    let in_flight = InFlightGuard::new(recorder);
    let sent = Instant::now();
    recorder.time(Timing::SendLag, sent.saturating_duration_since(due));
    let result = timeout(load.timeout, command.execute(context, client))
        .await
        // The caller's timeout and a node's 504 are one result.
        .unwrap_or(CommandResult::TimedOut);
    drop(in_flight);
    result.count(recorder);
    let CommandResult::Replied { route, owner } = result else {
        return false;
    };
    let service = sent.elapsed();
    // Response time counts from the due time, so that a stall of the system shows in full.
    time_reply(recorder, route, due.elapsed(), service);
    if let Some(owner) = owner {
        recorder.time_owner(&owner, service);
    }
    true
}

fn time_reply(recorder: &Recorder, route: ReplyRoute, response: Duration, service: Duration) {
    recorder.time(Timing::CommandResponse, response);
    recorder.time(Timing::CommandService, service);
    match route {
        ReplyRoute::SameNode => recorder.time(Timing::CommandSameNode, service),
        ReplyRoute::CrossNode => recorder.time(Timing::CommandCrossNode, service),
        ReplyRoute::Unknown => {}
    }
}

/// A guard that counts a command as in flight, also if its task is dropped.
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

/// A command that is ready to be sent.
struct PreparedCommand {
    reader: &'static dyn reply::ReplyReader,
    request: HttpRequest,
    nonce: String,
}

impl PreparedCommand {
    fn new(context: &Context, load: &CommandLoad, device: DeviceKey) -> Self {
        let pool = &context.plan.devices[device.pool as usize];
        let nonce = format!("{:016x}", rand::random::<u64>());
        let command = OutgoingCommand {
            name: &load.name,
            nonce: &nonce,
            timeout: load.timeout,
        };
        let device_id = device.id(pool);
        let path = load.path.replace("{device}", &device_id);
        let reader = reply::reader(load.reply);
        let request = context.dialect.command_request(path, &command);
        let mut request = request.with_header(header::ACCEPT.as_str(), reader.accept().to_owned());
        request.device_headers = context.client_options.command_headers_for(&device_id);
        Self {
            reader,
            request,
            nonce,
        }
    }

    async fn execute(&self, context: &Context, client: &Client) -> CommandResult {
        let endpoints = context.endpoints();
        // Each command begins at the next address, so that all addresses get as many.
        let mut next = context.next_http_index();
        match post_to_listener(client, &endpoints, &mut next, &self.request).await {
            Ok(response) => self.result_of(context, response).await,
            Err(_) => CommandResult::Failed(CommandFailure::Connection),
        }
    }

    async fn result_of(&self, context: &Context, response: Response) -> CommandResult {
        let dialect = context.dialect;
        if !response.status().is_success() {
            let result = CommandResult::from_status(dialect, response.status().as_u16());
            if let CommandResult::Failed(_) = result {
                let answers = &context.unexpected_answers;
                answers
                    .record_response(RequestKind::Command, response)
                    .await;
            } else {
                // The client keeps the connection only after the end of the body.
                let _ = read_body(response).await;
            }
            return result;
        }
        match self.reader.read(response, dialect, &self.nonce).await {
            ReplyResult::Reply(nodes) => CommandResult::Replied {
                route: ReplyRoute::between(&nodes),
                owner: nodes.owner_name().map(str::to_owned),
            },
            ReplyResult::WrongReply => CommandResult::Failed(CommandFailure::WrongReply),
            ReplyResult::Status(status) => CommandResult::from_status(dialect, status),
            ReplyResult::ConnectionBroken => CommandResult::Failed(CommandFailure::Connection),
        }
    }
}
