//! A device that subscribes: what it has heard of each publisher.
//!
//! A subscription counts from a second after its node has confirmed it, so that
//! the node's own subscription has time to reach the other nodes, until the
//! socket ends. Messages that are due in that time are to come; whatever else
//! comes is only counted as received.

use std::time::Duration;

use highwater_scenarios::plan::{DeviceRole, PublishLoad};
use tokio::time::Instant;

use super::{
    sequence::{Sequence, SequenceResult},
    stamp::Stamp,
};
use crate::worker::{
    context::Context,
    recorder::{Count, Recorder, Timing},
};

/// From a node's confirmation to when a subscription counts.
const PROPAGATION_DELAY: Duration = Duration::from_secs(1);

/// Memory of what a device hears of one load, in bytes, and of each publisher of it.
pub(super) const SUBSCRIPTION_BYTES: usize = size_of::<LoadSubscription>();
/// See [`SUBSCRIPTION_BYTES`].
pub(super) const SEQUENCE_BYTES: usize = size_of::<Option<Sequence>>();

/// What one device hears.
#[derive(Debug)]
pub struct TopicSubscriber {
    subscriptions: Vec<LoadSubscription>,
    /// From when messages count, on the run's clock.
    counts_from: Option<Duration>,
}

/// What it hears of one load.
#[derive(Debug)]
struct LoadSubscription {
    load: usize,
    /// The device's number among the load's subscribers.
    number: u64,
    /// By publisher of the topic, in their order.
    sequences: Box<[Option<Sequence>]>,
}

impl TopicSubscriber {
    /// For device `number` of its pool; `None` when it subscribes to nothing.
    pub fn new<'p>(number: u64, parts: impl Iterator<Item = DeviceRole<'p>>) -> Option<Self> {
        let subscriptions: Vec<_> = parts
            .filter(|part| part.subscribes)
            .map(|part| LoadSubscription::new(number, &part))
            .collect();
        (!subscriptions.is_empty()).then_some(Self {
            subscriptions,
            counts_from: None,
        })
    }

    /// The topics, each once.
    pub fn topics(&self, context: &Context) -> Vec<String> {
        let loads = &context.plan.publish;
        let mut topics: Vec<String> = self
            .subscriptions
            .iter()
            .map(|subscription| loads[subscription.load].topic_of(subscription.number))
            .collect();
        topics.sort();
        topics.dedup();
        topics
    }

    /// The socket is open, and nothing is subscribed to yet.
    pub fn on_open(&mut self) {
        self.counts_from = None;
        for subscription in &mut self.subscriptions {
            subscription.sequences.fill(None);
        }
    }

    /// The node has the subscriptions.
    pub fn on_confirmed(&mut self, context: &Context) {
        if self.counts_from.is_none() {
            context.recorder.count(Count::SubscriptionsConfirmed);
            let from = context.clock.now() + PROPAGATION_DELAY;
            // Whole microseconds, as stamps have them.
            self.counts_from = Some(Duration::from_micros(from.as_micros() as u64));
        }
    }

    /// A message has come.
    pub fn on_message(&mut self, context: &Context, stamp: &Stamp) {
        let Some(from) = self.counts_from else {
            return;
        };
        let Some(subscription) = self.subscriptions.iter_mut().find(|s| s.load == stamp.load)
        else {
            return;
        };
        if stamp.due_us < from.as_micros() as u64 {
            return;
        }
        let load = &context.plan.publish[stamp.load];
        // Nobody published it: it would count as endlessly many that are missing.
        if stamp.sequence >= load.messages_of(stamp.publisher) {
            return;
        }
        let Some(sequence) = subscription.sequence_of(load, stamp.publisher) else {
            return;
        };
        let sequence = sequence.get_or_insert_with(|| {
            // What was not published before is not known, so that then the
            // sequence begins with what came first.
            let planned = (stamp.index == stamp.sequence)
                .then(|| first_due(context, load, stamp.publisher, from))
                .flatten();
            Sequence::expecting(planned.map_or(stamp.sequence, |n| n.min(stamp.sequence)))
        });
        let seen = sequence.record(stamp.sequence);
        record_delivery(&context.recorder, seen, stamp, context.clock.now());
    }

    /// The socket was closed in order, and every message that was due has had its
    /// time to come.
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
    fn new(number: u64, part: &DeviceRole<'_>) -> Self {
        let load = part.load;
        let publishers = load.publishers.saturating_sub(number % load.topics);
        let sequences = publishers.div_ceil(load.topics) as usize;
        Self {
            load: part.load_index,
            number,
            sequences: vec![None; sequences].into(),
        }
    }

    /// Of a publisher; `None` for one of another topic, or one that is not.
    fn sequence_of(&mut self, load: &PublishLoad, publisher: u64) -> Option<&mut Option<Sequence>> {
        if publisher % load.topics != self.number % load.topics {
            return None;
        }
        self.sequences.get_mut((publisher / load.topics) as usize)
    }

    /// Messages that are due by the plan and later than the last that came.
    fn missing_count(&self, context: &Context, from: Duration) -> u64 {
        let load = &context.plan.publish[self.load];
        let missing = load.publishers_for(self.number).map(|publisher| {
            let sequence = self.sequences.get((publisher / load.topics) as usize);
            let next = match sequence {
                Some(Some(sequence)) => Some(sequence.next()),
                _ => first_due(context, load, publisher, from),
            };
            let all = due_count(context, load, publisher);
            next.map_or(0, |next| all.saturating_sub(next))
        });
        missing.sum()
    }
}

fn record_delivery(recorder: &Recorder, seen: SequenceResult, stamp: &Stamp, now: Duration) {
    match seen {
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

/// The first message of a publisher that is due from an instant of the run's
/// clock on; `None` as long as the steady phase is not known.
fn first_due(context: &Context, load: &PublishLoad, publisher: u64, from: Duration) -> Option<u64> {
    let steady = (*context.signals.steady.borrow())?;
    let since = from.saturating_sub(context.clock.elapsed_at(steady));
    Some(load.first_due(publisher, since))
}

/// How many messages of a publisher were due before the drain.
fn due_count(context: &Context, load: &PublishLoad, publisher: u64) -> u64 {
    let planned = load.messages_of(publisher);
    let steady: Option<Instant> = *context.signals.steady.borrow();
    match (context.drain_at(), steady) {
        (Some(drain), Some(steady)) => {
            let length = drain.saturating_duration_since(steady);
            planned.min(load.first_due(publisher, length))
        }
        _ => planned,
    }
}
