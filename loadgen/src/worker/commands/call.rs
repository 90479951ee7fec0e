//! One command from its due time to its result.

use highwater_scenarios::plan::{CommandLoad, ReplyMode};
use rand::{SeedableRng, rngs::SmallRng};
use reqwest::{Client, header};
use tokio::time::{Instant, timeout};

use super::{
    outcome::{CommandFailure, CommandResult, ReplyRoute},
    reply::{self, accepted_type},
};
use crate::{
    access::UnsendableValue,
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
    // 64 random bits, so that no other command's reply carries the same text.
    let nonce = format!("{:016x}", rand::random::<u64>());
    let outgoing = OutgoingRequest::build(context, load, device, &nonce);
    // Counted before it is sent: the drain must see every command that may be answered.
    let in_flight = InFlightGuard::new(recorder);
    let sent = Instant::now();
    recorder.time(Timing::SendLag, sent.saturating_duration_since(due));
    let result = match &outgoing {
        Ok(outgoing) => timeout(
            load.timeout,
            execute(context, client, load.reply, outgoing, &nonce),
        )
        .await
        // The caller's timeout and a node's 504 are one result.
        .unwrap_or(CommandResult::TimedOut),
        Err(UnsendableValue) => CommandResult::Failed(CommandFailure::InvalidValue),
    };
    drop(in_flight);
    result.count(recorder);
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

/// A request, and the base addresses that it may go to.
struct OutgoingRequest {
    request: HttpRequest,
    bases: Vec<String>,
}

impl OutgoingRequest {
    fn build(
        context: &Context,
        load: &CommandLoad,
        device: DeviceKey,
        nonce: &str,
    ) -> Result<Self, UnsendableValue> {
        let values = context.device_values(device).ok_or(UnsendableValue)?;
        let mut request = build_request(context, load, &values.id, nonce);
        request.device_headers = values.pool.headers.device_fields(&values)?;
        let addresses = context.addresses();
        let bases = addresses.of_pool(device.pool);
        Ok(Self {
            request,
            bases: bases.map_or_else(Vec::new, |pool| pool.http_for(&values).into_owned()),
        })
    }
}

fn build_request(context: &Context, load: &CommandLoad, id: &str, nonce: &str) -> HttpRequest {
    let command = OutgoingCommand {
        name: &load.name,
        nonce,
        timeout: load.timeout,
    };
    let path = load.path.replace("{device}", id);
    let accept = accepted_type(load.reply).to_owned();
    let request = context.dialect.command_request(path, &command);
    request.with_header(header::ACCEPT.as_str(), accept)
}

async fn execute(
    context: &Context,
    client: &Client,
    mode: ReplyMode,
    outgoing: &OutgoingRequest,
    nonce: &str,
) -> CommandResult {
    let dialect = context.dialect;
    // Each command begins at the next address, so that all addresses get as many.
    let mut next = context.next_http_index();
    let OutgoingRequest { request, bases } = outgoing;
    let posted = post_to_listener(client, bases, &mut next, request).await;
    let Ok(response) = posted else {
        return CommandResult::Failed(CommandFailure::Connection);
    };
    if !response.status().is_success() {
        let result = CommandResult::from_status(dialect, response.status().as_u16());
        match result {
            CommandResult::Failed(_) => {
                let answers = &context.unexpected_answers;
                answers
                    .record_response(RequestKind::Command, response)
                    .await;
            }
            // Read to its end, so that the client keeps the connection for the next request.
            _ => drop(read_body(response).await),
        }
        return result;
    }
    match reply::read(mode, response, dialect, nonce).await {
        ReplyResult::Reply(nodes) => CommandResult::Replied {
            route: ReplyRoute::between(&nodes),
            owner: nodes.owner_name().map(str::to_owned),
        },
        ReplyResult::WrongReply => CommandResult::Failed(CommandFailure::WrongReply),
        ReplyResult::Status(status) => CommandResult::from_status(dialect, status),
        ReplyResult::ConnectionBroken => CommandResult::Failed(CommandFailure::Connection),
    }
}
