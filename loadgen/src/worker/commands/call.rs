//! One command from its due time to its result.

use highwater_reports::record::FailureExample;
use highwater_scenarios::plan::{CommandLoad, ReplyMode};
use rand::{SeedableRng, rngs::SmallRng};
use reqwest::{Response, header};
use tokio::time::{Instant, timeout};

use super::{
    outcome::{CommandFailure, CommandResult, ReplyRoute},
    reply::{self, accepted_type},
};
use crate::{
    keys::DeviceKey,
    worker::{
        context::Context,
        dialect::{OutgoingCommand, ReplyResult},
        http::{HttpRequest, PostError, post_to_listener, response_example, status_text},
        http_clients::HttpClients,
        recorder::{Count, Level, Recorder, Timing},
    },
};

/// Sends the command that is due at `due` to a random connected device, waits for its
/// result and counts it. Returns whether there was a reply.
///
/// The command is not sent if no device is connected.
pub async fn issue_command(
    context: &Context,
    clients: &HttpClients,
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
    // 64 random bits, so that no other command's reply carries the same text.
    let nonce = format!("{:016x}", rand::random::<u64>());
    let request = build_request(context, load, device, &nonce);
    // Counted before it is sent: the drain must see every command that may be answered.
    let in_flight = InFlightGuard::new(recorder);
    let sent = Instant::now();
    recorder.time(Timing::SendLag, sent.saturating_duration_since(due));
    let executed = execute(context, clients, load.reply, &request, &nonce);
    let (result, example) = timeout(load.timeout, executed)
        .await
        // The caller's timeout and a node's 504 are one result.
        .unwrap_or((CommandResult::TimedOut, FailureExample::default()));
    drop(in_flight);
    result.count(context, || example);
    let CommandResult::Replied { route, owner } = result else {
        return false;
    };
    let service = sent.elapsed();
    // Response time counts from the due time, so that a stall of the system shows in full.
    recorder.time(Timing::CommandResponse, due.elapsed());
    recorder.time(Timing::CommandService, service);
    if let Some((count, timing)) = route.metrics() {
        recorder.count(count);
        recorder.time(timing, service);
    }
    if let Some(owner) = owner {
        recorder.time_owner(&owner, service);
    }
    true
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

fn build_request(
    context: &Context,
    load: &CommandLoad,
    device: DeviceKey,
    nonce: &str,
) -> HttpRequest {
    let id = device.id(&context.plan.devices[device.pool as usize]);
    let command = OutgoingCommand {
        name: &load.name,
        nonce,
        timeout: load.timeout,
    };
    let path = load.path.replace("{device}", &id);
    let accept = accepted_type(load.reply).to_owned();
    let request = context.dialect.command_request(path, &command);
    let mut request = request.with_header(header::ACCEPT.as_str(), accept);
    request.device_headers = context.client_options.command_headers_for(&id);
    request
}

/// Sends a command and waits for its result, with an example of a failure.
async fn execute(
    context: &Context,
    clients: &HttpClients,
    mode: ReplyMode,
    request: &HttpRequest,
    nonce: &str,
) -> (CommandResult, FailureExample) {
    // Each command begins at the next address, so that all addresses get as many.
    let mut next = context.next_http_index();
    let posted = post_to_listener(clients, &context.endpoints(), &mut next, request).await;
    match posted {
        Ok(response) if response.status().is_success() => {
            read_reply(context, mode, response, nonce).await
        }
        Ok(response) => {
            let status = response.status().as_u16();
            let result = CommandResult::from_status(context.dialect, status);
            // Read to its end, so that the client keeps the connection for the next request.
            (result, response_example(response).await)
        }
        Err(PostError::NoListener(example) | PostError::Broken(example)) => {
            (CommandResult::Failed(CommandFailure::Connection), example)
        }
    }
}

async fn read_reply(
    context: &Context,
    mode: ReplyMode,
    response: Response,
    nonce: &str,
) -> (CommandResult, FailureExample) {
    let dialect = context.dialect;
    match reply::read(mode, response, dialect, nonce).await {
        ReplyResult::Reply(nodes) => {
            let result = CommandResult::Replied {
                route: ReplyRoute::between(&nodes),
                owner: nodes.owner_name().map(str::to_owned),
            };
            (result, FailureExample::default())
        }
        ReplyResult::WrongReply => (
            CommandResult::Failed(CommandFailure::WrongReply),
            FailureExample::default(),
        ),
        ReplyResult::Status(status) => {
            let example = FailureExample {
                status: Some(status_text(status, "")),
                ..FailureExample::default()
            };
            (CommandResult::from_status(dialect, status), example)
        }
        ReplyResult::ConnectionBroken => (
            CommandResult::Failed(CommandFailure::Connection),
            FailureExample::of_error("the connection broke within the answer"),
        ),
    }
}
