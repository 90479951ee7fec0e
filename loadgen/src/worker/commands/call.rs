//! One command from its due time to its result.

use highwater_scenarios::frames::{Matcher, ReceivedFrame, nonce_text};
use reqwest::Client;
use tokio::time::{Instant, timeout};

use super::{
    outcome::{CommandFailure, CommandResult, ReplyRoute},
    recipient::Recipient,
    reply::{self, ReplyTo},
    request::build_request,
};
use crate::{
    control::RequestKind,
    worker::{
        context::Context,
        dialect::ReplyResult,
        frames::{FrameKey, SocketValues},
        http::{read_body, send_to_listener},
        recorder::{Count, Level, Recorder, Timing},
    },
};

/// Sends the command of load number `load` that is due at `due` to a random connected device,
/// waits for its result and counts it. Returns whether there was a reply.
///
/// The command is not sent if no device is connected.
pub async fn issue_command(context: &Context, client: &Client, load: usize, due: Instant) -> bool {
    let recorder = &context.recorder;
    recorder.count(Count::CommandsDue);
    // 64 random bits, so that no other command's reply carries the same text.
    let nonce = rand::random();
    let Some(recipient) = Recipient::pick(context, load, nonce) else {
        recorder.count(Count::CommandsNoDevice);
        return false;
    };
    let limit = context.plan.commands[load].timeout;
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
    let result = timeout(limit, command.execute(client))
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
    async fn execute(&mut self, client: &Client) -> CommandResult {
        let result = self.request(client).await;
        match result {
            // The response is as expected, and the reply comes on the device's socket.
            CommandResult::Replied { .. } if !self.recipient.reply_arrived().await => {
                CommandResult::NotConnected
            }
            result => result,
        }
    }

    /// Sends the request and reads its response.
    async fn request(&self, client: &Client) -> CommandResult {
        let context = self.context;
        let (load, dialect) = (&context.plan.commands[self.load], context.dialect);
        let request = build_request(context, self.load, &self.recipient, self.nonce);
        // Each command begins at the next address, so that all addresses get as many.
        let mut next = context.next_http_index();
        let sent = send_to_listener(client, &context.endpoints(), &mut next, &request).await;
        let Ok(response) = sent else {
            return CommandResult::Failed(CommandFailure::Connection);
        };
        if !load.expects(response.status().as_u16()) {
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
        let command = ReplyTo {
            dialect,
            nonce: &nonce_text(self.nonce),
            is_expected: &|body| self.is_expected(body),
        };
        match reply::read(&load.reply, response, &command).await {
            ReplyResult::Reply(nodes) => CommandResult::Replied {
                route: ReplyRoute::between(&nodes),
                owner: nodes.owner_name().map(str::to_owned),
            },
            ReplyResult::WrongReply => CommandResult::Failed(CommandFailure::WrongReply),
            ReplyResult::Status(status) => CommandResult::from_status(dialect, status),
            ReplyResult::ConnectionBroken => CommandResult::Failed(CommandFailure::Connection),
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
