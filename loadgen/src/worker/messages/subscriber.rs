//! The subscriptions of one device: which messages of each publisher have come.
//!
//! ```text
//! socket opens ──► subscribed ──node confirms──► + 1 s ──► messages count ──► socket ends
//! ```
//!
//! The second lets the node's own subscription reach the other nodes. Every message that
//! is due after it must come. Any other message counts as received only.

use std::time::Duration;

use highwater_scenarios::plan::{DeviceRole, PublishLoad};

use super::{
    sequence::{Sequence, SequenceResult},
    stamp::Stamp,
};
use crate::worker::{
    context::Context,
    recorder::{Count, Recorder, Timing},
};

/// Time from a node's confirmation until messages count.
const PROPAGATION_DELAY: Duration = Duration::from_secs(1);

/// Memory of one subscription, in bytes.
pub(super) const SUBSCRIPTION_BYTES: usize = size_of::<LoadSubscription>();
/// Memory of a subscription for each publisher of its topic, in bytes.
pub(super) const SEQUENCE_BYTES: usize = size_of::<Option<Sequence>>();

/// The subscriptions of one device.
#[derive(Debug)]
pub struct TopicSubscriber {
    subscriptions: Vec<LoadSubscription>,
    /// Time on the run's clock from which messages count; `None` before the node's
    /// confirmation.
    counts_from: Option<Duration>,
}

/// A device's subscription to the topic that a load gives it.
#[derive(Debug)]
struct LoadSubscription {
    /// Number of the load in the plan.
    load: usize,
    /// The device's number among the load's subscribers.
    number: u64,
    /// One entry per publisher of the topic, in their order.
    sequences: Box<[Option<Sequence>]>,
}

impl TopicSubscriber {
    /// Creates the subscriptions of device `number` of its pool; `None` if it has none.
    pub fn new<'p>(number: u64, roles: impl Iterator<Item = DeviceRole<'p>>) -> Option<Self> {
        let subscriptions: Vec<_> = roles
            .filter(|role| role.subscribes)
            .map(|role| LoadSubscription::new(number, &role))
            .collect();
        (!subscriptions.is_empty()).then_some(Self {
            subscriptions,
            counts_from: None,
        })
    }

    /// Returns the topics, each once.
    pub fn topics(&self, context: &Context) -> Vec<String> {
        let loads = &context.plan.publish;
        let mut topics: Vec<String> = self
            .subscriptions
            .iter()
            .map(|subscription| loads[subscription.load].topic_of(subscription.number))
            .collect();
        // Two loads may share a topic. One subscription brings the messages of both.
        topics.sort();
        topics.dedup();
        topics
    }

    /// Forgets the last socket's messages: the new socket has no subscription yet.
    pub fn on_open(&mut self) {
        self.counts_from = None;
        for subscription in &mut self.subscriptions {
            subscription.sequences.fill(None);
        }
    }

    /// Sets the time from which messages count: the node has the subscriptions.
    pub fn on_confirmed(&mut self, context: &Context) {
        if self.counts_from.is_none() {
            context.recorder.count(Count::SubscriptionsConfirmed);
            let from = context.clock.now() + PROPAGATION_DELAY;
            // Whole microseconds, as in stamps, so that both sides of a comparison agree.
            self.counts_from = Some(Duration::from_micros(from.as_micros() as u64));
        }
    }

    /// Takes in a message.
    pub fn on_message(&mut self, context: &Context, stamp: &Stamp) {
        let Some(from) = self.counts_from else {
            return;
        };
        if stamp.due_us < from.as_micros() as u64 {
            return;
        }
        let subscriptions = &mut self.subscriptions;
        let Some(subscription) = subscriptions.iter_mut().find(|s| s.load == stamp.load) else {
            return;
        };
        let load = &context.plan.publish[stamp.load];
        // A number beyond the plan is forged or damaged. It would make all numbers below
        // it count as missing.
        if stamp.sequence >= load.messages_of(stamp.publisher) {
            return;
        }
        let Some(sequence) = subscription.sequence_of(load, stamp.publisher) else {
            return;
        };
        let sequence = sequence
            .get_or_insert_with(|| Sequence::expecting(first_expected(context, load, stamp, from)));
        let result = sequence.record(stamp.sequence);
        record_delivery(&context.recorder, result, stamp, context.clock.now());
    }

    /// Counts the messages that were due and have not come. Called once the socket has
    /// closed in order, when every message has had its time to come.
    pub fn count_missing_at_end(&self, context: &Context) {
        let Some(from) = self.counts_from else {
            return;
        };
        let missing = self
            .subscriptions
            .iter()
            .map(|subscription| subscription.missing_count(context, from))
            .sum();
        context.recorder.add(Count::MessagesMissingAtEnd, missing);
    }
}

impl LoadSubscription {
    fn new(number: u64, role: &DeviceRole<'_>) -> Self {
        let load = role.load;
        // Publisher p sends to topic p mod topics: these are the publishers of this one.
        let publishers = load.publishers.saturating_sub(number % load.topics);
        let sequences = publishers.div_ceil(load.topics) as usize;
        Self {
            load: role.load_index,
            number,
            sequences: vec![None; sequences].into(),
        }
    }

    /// Returns the entry of a publisher; `None` for a publisher of another topic or one
    /// that the plan does not have.
    fn sequence_of(&mut self, load: &PublishLoad, publisher: u64) -> Option<&mut Option<Sequence>> {
        if publisher % load.topics != self.number % load.topics {
            return None;
        }
        self.sequences.get_mut((publisher / load.topics) as usize)
    }

    /// Returns how many messages were due later than the last that came.
    fn missing_count(&self, context: &Context, from: Duration) -> u64 {
        let load = &context.plan.publish[self.load];
        let missing = load.publishers_for(self.number).map(|publisher| {
            let sequence = self.sequences.get((publisher / load.topics) as usize);
            let next = match sequence {
                Some(Some(sequence)) => Some(sequence.next),
                _ => first_due(context, load, publisher, from),
            };
            let due = due_count(context, load, publisher);
            next.map_or(0, |next| due.saturating_sub(next))
        });
        missing.sum()
    }
}

/// Returns the number with which a sequence begins when `stamp` is the first to come.
fn first_expected(context: &Context, load: &PublishLoad, stamp: &Stamp, from: Duration) -> u64 {
    // Index and sequence are equal as long as every message was published: then the plan
    // says which one is the first. Once they differ the plan cannot say, and the sequence
    // begins with what came.
    let planned = (stamp.index == stamp.sequence)
        .then(|| first_due(context, load, stamp.publisher, from))
        .flatten();
    planned.map_or(stamp.sequence, |first| first.min(stamp.sequence))
}

fn record_delivery(recorder: &Recorder, result: SequenceResult, stamp: &Stamp, now: Duration) {
    match result {
        SequenceResult::Duplicate => return recorder.count(Count::MessagesDuplicated),
        SequenceResult::Late => recorder.count(Count::MessagesReordered),
        SequenceResult::New { missing: 0 } => {}
        SequenceResult::New { missing } => recorder.add(Count::MessagesMissing, missing),
    }
    recorder.count(Count::MessagesDelivered);
    let since = |us| now.saturating_sub(Duration::from_micros(us));
    recorder.time(Timing::MessageLatency, since(stamp.due_us));
    recorder.time(Timing::MessageService, since(stamp.sent_us));
}

/// Returns the index of a publisher's first message that is due from `from` on the run's
/// clock; `None` until the start of the steady phase is known.
fn first_due(context: &Context, load: &PublishLoad, publisher: u64, from: Duration) -> Option<u64> {
    let steady = context.signals.steady_start()?;
    let since = from.saturating_sub(context.clock.elapsed_at(steady));
    Some(load.first_due(publisher, since))
}

/// Returns how many messages of a publisher were due before the drain.
fn due_count(context: &Context, load: &PublishLoad, publisher: u64) -> u64 {
    let planned = load.messages_of(publisher);
    match (context.drain_at(), context.signals.steady_start()) {
        // An interrupted run drains before the plan's end.
        (Some(drain), Some(steady)) => {
            let steady_length = drain.saturating_duration_since(steady);
            planned.min(load.first_due(publisher, steady_length))
        }
        _ => planned,
    }
}
