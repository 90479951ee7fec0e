//! One command from its due time to its result.

use highwater_reports::record::FailureExample;
use highwater_scenarios::frames::{Matcher, ReceivedFrame, nonce_text};
use reqwest::Response;
use tokio::time::{Instant, timeout};

use super::{
    outcome::{CommandFailure, CommandResult, ReplyRoute},
    recipient::Recipient,
    reply::{self, ReplyTo},
    request::{CommandRequest, build_request},
};
use crate::worker::{
    context::Context,
    dialect::ReplyResult,
    frames::{FrameKey, SocketValues},
    http::{SendError, response_example, send_to_listener, status_text},
    http_clients::HttpClients,
    recorder::{Count, Level, Recorder, Timing},
};

/// Sends the command of load number `load` that is due at `due` to a random connected device,
/// waits for its result and counts it. Returns whether there was a reply.
///
/// The command is not sent if no device is connected.
pub async fn issue_command(
    context: &Context,
    clients: &HttpClients,
    load: usize,
    due: Instant,
) -> bool {
    let recorder = &context.recorder;
    recorder.count(Count::CommandsDue);
    // 64 random bits, so that no other command's reply carries the same text.
    let nonce = rand::random();
    let Some(recipient) = Recipient::pick(context, load, nonce) else {
        recorder.count(Count::CommandsNoDevice);
        return false;
    };
    let limit = context.plan.commands[load].timeout;
    let device = recipient.device;
    let mut command = Command {
        context,
        load,
        recipient,
        nonce,
    };
    // Counted before it is sent: the drain must see every command that may be answered.
    let in_flight = InFlightGuard::new(recorder);
    let sent = Instant::now();
    recorder.time(Timing::SendLag, sent.saturating_duration_since(due));
    let (result, example) = timeout(limit, command.execute(clients))
        .await
        // The caller's timeout and a node's 504 are one result.
        .unwrap_or((CommandResult::TimedOut, FailureExample::default()));
    drop(in_flight);
    result.count(context, device, || example);
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

/// A command that is being sent.
struct Command<'a> {
    context: &'a Context,
    /// Number of its load in the plan.
    load: usize,
    recipient: Recipient,
    nonce: u64,
}

impl Command<'_> {
    /// Sends the command and waits for its result, with an example of a failure.
    async fn execute(&mut self, clients: &HttpClients) -> (CommandResult, FailureExample) {
        let (result, example) = self.request(clients).await;
        match result {
            // The response is as expected, and the reply comes on the device's socket.
            CommandResult::Replied { .. } if !self.recipient.reply_arrived().await => {
                (CommandResult::NotConnected, FailureExample::default())
            }
            result => (result, example),
        }
    }

    /// Sends the request and reads its response.
    async fn request(&self, clients: &HttpClients) -> (CommandResult, FailureExample) {
        let context = self.context;
        let built = build_request(context, self.load, &self.recipient, self.nonce);
        let CommandRequest { request, bases } = match built {
            Ok(built) => built,
            Err(error) => {
                let result = CommandResult::Failed(CommandFailure::InvalidValue);
                return (result, FailureExample::of_error(error.to_string()));
            }
        };
        // Each command begins at the next address, so that all addresses get as many.
        let mut next = context.next_http_index();
        let sent = send_to_listener(clients, &bases, &mut next, &request).await;
        let load = &context.plan.commands[self.load];
        match sent {
            Ok(response) if load.expects(response.status().as_u16()) => {
                self.read_reply(response).await
            }
            Ok(response) => {
                let status = response.status().as_u16();
                let result = CommandResult::from_status(context.dialect, status);
                // Read to its end, so that the client keeps the connection for the next request.
                (result, response_example(response).await)
            }
            Err(SendError::NoListener(example) | SendError::Broken(example)) => {
                (CommandResult::Failed(CommandFailure::Connection), example)
            }
        }
    }

    async fn read_reply(&self, response: Response) -> (CommandResult, FailureExample) {
        let dialect = self.context.dialect;
        let command = ReplyTo {
            dialect,
            nonce: &nonce_text(self.nonce),
            is_expected: &|body| self.is_expected(body),
        };
        let mode = &self.context.plan.commands[self.load].reply;
        match reply::read(mode, response, &command).await {
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

    /// Whether the body of a response is as the scenario expects it.
    fn is_expected(&self, body: &[u8]) -> bool {
        let identity = self.context.socket_identity(self.recipient.device);
        let test = identity.and_then(|identity| {
            let matcher = identity.protocol.command(self.load)?.expect_body.as_ref()?;
            Some((identity, matcher))
        });
        test.is_none_or(|(identity, matcher): (_, &Matcher)| {
            let values = SocketValues {
                identity,
                taken: self.recipient.taken(),
                key: FrameKey {
                    reference: 0,
                    nonce: self.nonce,
                },
            };
            matcher.matches(&ReceivedFrame::from_bytes(body), &values)
        })
    }
}
