//! The messages of one socket that have no answer yet, and the replies that it looks out for.
//!
//! ```text
//! DeviceLink ──► queued ──next_frame──► pending ──answer, timeout, end of the socket──► outcome
//!     └────────► replies ──frame with the nonce──► commands::call
//! ```

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use highwater_scenarios::frames::{
    AnswerKind, CompiledExchange, Correlation, ExchangeKey, ReceivedFrame,
};
use tokio::time::Instant;

use crate::worker::{
    context::Context,
    frames::{FrameKey, PoolProtocol, SocketValues},
    links::{
        AwaitedReply, Completion, DeviceLink, ExchangeOutcome, LinkItem, QueuedMessage,
        outcome::ExchangeTimes,
    },
    recorder::{Count, Level, Timing},
};

/// Most messages of one socket without an answer. A search among them must stay quick.
const MAX_PENDING: usize = 1_024;

/// Most replies that one socket looks out for.
const MAX_REPLIES: usize = 1_024;

/// Time of a write from which the messages behind it waited for the system, and not for the
/// harness.
const STALLED_WRITE: Duration = Duration::from_millis(1);

/// The messages and awaited replies of one open socket.
#[derive(Debug)]
pub struct SocketExchanges {
    link: Arc<DeviceLink>,
    queued: VecDeque<QueuedMessage>,
    pending: Vec<PendingExchange>,
    replies: Vec<AwaitedReply>,
    /// No message times out before this instant.
    next_timeout: Option<Instant>,
    /// The end of the last write that the system stalled.
    stalled_until: Option<Instant>,
}

/// A message that was sent and has no answer yet.
#[derive(Debug)]
struct PendingExchange {
    load: usize,
    /// The number that its answer carries; `None` where it carries none.
    key: Option<ExchangeKey>,
    times: ExchangeTimes,
    until: Instant,
    completion: Completion,
}

/// A message to send.
#[derive(Debug)]
pub struct NextExchange<'p> {
    /// The frames of its load.
    pub exchange: &'p CompiledExchange,
    message: QueuedMessage,
}

impl SocketExchanges {
    /// Memory of an idle socket that messages can use, beyond that of other sockets.
    pub const IDLE_BYTES: u64 = 512;

    /// Creates the state of a socket that has just opened.
    pub fn new(link: Arc<DeviceLink>) -> Self {
        Self {
            link,
            queued: VecDeque::new(),
            pending: Vec::new(),
            replies: Vec::new(),
            next_timeout: None,
            stalled_until: None,
        }
    }

    /// Becomes ready when the socket has work.
    pub fn poll_ready(&self, task: &mut TaskContext<'_>) -> Poll<()> {
        // A frame takes the messages of the link in with the replies that it may be.
        if !self.queued.is_empty() {
            return Poll::Ready(());
        }
        self.link.poll_ready(task)
    }

    /// Returns when [`time_out`](Self::time_out) is to be called.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.next_timeout
    }

    /// Returns the next message to send. [`begin`](Self::begin) takes it back with its key.
    pub fn next_message<'p>(
        &mut self,
        context: &Context,
        protocol: &'p PoolProtocol,
    ) -> Option<NextExchange<'p>> {
        self.take_items();
        loop {
            let message = self.queued.pop_front()?;
            let exchange = protocol.exchange(message.load);
            match exchange {
                Some(exchange) if self.pending.len() < MAX_PENDING => {
                    return Some(NextExchange { exchange, message });
                }
                // More would make the search for the message of an answer slow.
                _ => self.give_up(context, message, Count::ExchangesDropped),
            }
        }
    }

    /// Counts a message as sent now. Its frame has `key`.
    pub fn begin(&mut self, context: &Context, next: NextExchange<'_>, key: FrameKey) {
        let NextExchange { exchange, message } = next;
        let QueuedMessage {
            load,
            due,
            completion,
        } = message;
        let (recorder, sent) = (&context.recorder, Instant::now());
        // A message that waited behind a write waited for the system, which took nothing.
        let sendable_at = self.stalled_until.map_or(due, |until| until.max(due));
        recorder.count(Count::ExchangesSent);
        recorder.time(Timing::SendLag, sent.saturating_duration_since(sendable_at));
        let until = sent + context.plan.messages[load].timeout;
        let pending = PendingExchange {
            load,
            key: None,
            times: ExchangeTimes { due, sent },
            until,
            completion,
        };
        let Some(answers) = &exchange.answers else {
            return self.finish(context, pending, ExchangeOutcome::OneWay, sent);
        };
        let key = match answers.correlation {
            Correlation::Ref => Some(key.reference),
            Correlation::Nonce => Some(key.nonce),
            Correlation::InOrder => None,
        };
        self.pending.push(PendingExchange { key, ..pending });
        self.next_timeout = Some(self.next_timeout.map_or(until, |next| next.min(until)));
    }

    /// Takes note of a write that took from `started` until now.
    pub fn on_written(&mut self, started: Instant) {
        let now = Instant::now();
        if now.saturating_duration_since(started) >= STALLED_WRITE {
            self.stalled_until = Some(now);
        }
    }

    /// Takes in a frame. Returns whether it answers a message of the socket, or is a reply to a
    /// command.
    pub fn on_frame(
        &mut self,
        context: &Context,
        frame: &ReceivedFrame<'_>,
        values: &SocketValues<'_>,
    ) -> bool {
        // A command asks for its reply before its request is sent, so that the reply cannot
        // come first.
        self.take_items();
        self.take_answer(context, frame, values) || self.take_reply(frame, values)
    }

    /// Gives up on the messages that have no answer in time.
    pub fn time_out(&mut self, context: &Context) {
        let now = Instant::now();
        if self.next_timeout.is_none_or(|next| next > now) {
            return;
        }
        while let Some(at) = self.pending.iter().position(|pending| pending.until <= now) {
            // In their order: in-order answers belong to the oldest message.
            let pending = self.pending.remove(at);
            self.finish(context, pending, ExchangeOutcome::TimedOut, now);
        }
        self.next_timeout = self.pending.iter().map(|pending| pending.until).min();
    }

    /// Ends the socket's part: what it sent is lost, and what it did not send had no device.
    pub fn close(mut self, context: &Context) {
        context.links.close(&context.plan, &self.link);
        for item in self.link.close() {
            self.take_item(item);
        }
        let now = Instant::now();
        for pending in std::mem::take(&mut self.pending) {
            pending.finish(context, ExchangeOutcome::Lost, now);
        }
        for message in std::mem::take(&mut self.queued) {
            self.give_up(context, message, Count::ExchangesNoDevice);
        }
        // Dropped replies tell their commands that the socket has ended.
    }

    fn take_items(&mut self) {
        for item in self.link.take_items() {
            self.take_item(item);
        }
    }

    fn take_item(&mut self, item: LinkItem) {
        match item {
            LinkItem::Message(message) => self.queued.push_back(message),
            LinkItem::Reply(reply) => {
                // Commands that timed out look out for nothing any more.
                self.replies.retain(|reply| !reply.arrived.is_closed());
                if self.replies.len() < MAX_REPLIES {
                    self.replies.push(reply);
                }
            }
        }
    }

    fn take_answer(
        &mut self,
        context: &Context,
        frame: &ReceivedFrame<'_>,
        values: &SocketValues<'_>,
    ) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let answer = values
            .identity
            .protocol
            .exchanges()
            .find_map(|(load, exchange)| {
                let (kind, key) = exchange.answers.as_ref()?.read(frame, values)?;
                let is_answered =
                    |pending: &PendingExchange| pending.load == load && pending.key == key;
                let at = self.pending.iter().position(is_answered)?;
                Some((kind, at))
            });
        let Some((kind, at)) = answer else {
            return false;
        };
        let outcome = match kind {
            AnswerKind::Expected => ExchangeOutcome::Answered,
            AnswerKind::Rejected => ExchangeOutcome::Rejected,
        };
        let pending = self.pending.remove(at);
        self.finish(context, pending, outcome, Instant::now());
        true
    }

    fn take_reply(&mut self, frame: &ReceivedFrame<'_>, values: &SocketValues<'_>) -> bool {
        let protocol = values.identity.protocol;
        let found = self.replies.iter().position(|reply| {
            let matcher = protocol
                .command(reply.load)
                .and_then(|command| command.reply.as_ref());
            // The nonce of this command in the matcher, so that the frame must carry it.
            let values = SocketValues {
                key: FrameKey {
                    nonce: reply.nonce,
                    ..values.key
                },
                ..*values
            };
            matcher.is_some_and(|matcher| matcher.matches(frame, &values))
        });
        let Some(at) = found else {
            return false;
        };
        // A command that timed out does not listen.
        let _ = self.replies.swap_remove(at).arrived.send(());
        true
    }

    fn finish(
        &self,
        context: &Context,
        pending: PendingExchange,
        outcome: ExchangeOutcome,
        now: Instant,
    ) {
        self.release(context, pending.load);
        pending.finish(context, outcome, now);
    }

    fn give_up(&self, context: &Context, message: QueuedMessage, unsent: Count) {
        context.recorder.count(unsent);
        context.recorder.add_to_level(Level::ExchangesInFlight, -1);
        if unsent == Count::ExchangesDropped {
            self.release(context, message.load);
        }
    }

    /// Lets the socket take the next message of a load with one in flight at a time.
    fn release(&self, context: &Context, load: usize) {
        let senders = context.links.of_messages(load);
        if let Some(senders) = senders.filter(|senders| senders.one_at_a_time()) {
            senders.release(&self.link);
        }
    }
}

impl PendingExchange {
    fn finish(self, context: &Context, outcome: ExchangeOutcome, now: Instant) {
        outcome.record(self.times, now, &context.recorder);
        context.recorder.add_to_level(Level::ExchangesInFlight, -1);
        self.completion.complete(outcome);
    }
}

#[cfg(test)]
mod tests;
