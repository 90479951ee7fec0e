//! The counts, levels and timings of a worker, taken once a second.
//!
//! All users share one recorder. Counts are plain atomics; each histogram is behind a
//! lock that is held for some nanoseconds. What is taken is forgotten, so that memory does
//! not grow with the run.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use highwater_reports::{
    histogram::{LatencyHistogram, latency_histogram, record},
    record::names::{counter, gauge, latency},
};
use parking_lot::Mutex;

/// Defines an enum whose members each have a name in the record.
macro_rules! named {
    ($(#[$about:meta])* $kind:ident { $($member:ident = $name:path,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        // A member's value is its index in `NAMES` and in the recorder's arrays.
        #[repr(usize)]
        #[expect(missing_docs, reason = "reports' record::names documents each")]
        pub enum $kind {
            $($member),+
        }

        impl $kind {
            /// The names, in the order of the members.
            const NAMES: &'static [&'static str] = &[$($name),+];
        }
    };
}

named! {
    /// A thing that is counted.
    Count {
        SocketsDue = counter::SOCKETS_DUE,
        SocketsOpened = counter::SOCKETS_OPENED,
        SocketsReopened = counter::SOCKETS_REOPENED,
        SocketsCompressed = counter::SOCKETS_COMPRESSED,
        RetriesPostponed = counter::RETRIES_POSTPONED,
        RampHeldMs = counter::RAMP_HELD_MS,
        RampFullMs = counter::RAMP_FULL_MS,
        LoginsDue = counter::LOGINS_DUE,
        LoginsSucceeded = counter::LOGINS_SUCCEEDED,
        LoginsFailed = counter::LOGINS_FAILED,
        LoginsRenewed = counter::LOGINS_RENEWED,
        HeartbeatsDue = counter::HEARTBEATS_DUE,
        HeartbeatsSent = counter::HEARTBEATS_SENT,
        HeartbeatsAcknowledged = counter::HEARTBEATS_ACKNOWLEDGED,
        HeartbeatsMissed = counter::HEARTBEATS_MISSED,
        HeartbeatsLate = counter::HEARTBEATS_LATE,
        HeartbeatsOneWay = counter::HEARTBEATS_ONE_WAY,
        FramesAnswered = counter::FRAMES_ANSWERED,
        FramesUnanswered = counter::FRAMES_UNANSWERED,
        FramesUnmatched = counter::FRAMES_UNMATCHED,
        CommandsDue = counter::COMMANDS_DUE,
        CommandsDropped = counter::COMMANDS_DROPPED,
        CommandsNoDevice = counter::COMMANDS_NO_DEVICE,
        CommandsIssued = counter::COMMANDS_ISSUED,
        CommandsReplied = counter::COMMANDS_REPLIED,
        CommandsTimedOut = counter::COMMANDS_TIMED_OUT,
        CommandsNotConnected = counter::COMMANDS_NOT_CONNECTED,
        CommandsRejected = counter::COMMANDS_REJECTED,
        CommandsFailed = counter::COMMANDS_FAILED,
        CommandsSameNode = counter::COMMANDS_SAME_NODE,
        CommandsCrossNode = counter::COMMANDS_CROSS_NODE,
        ExchangesDue = counter::EXCHANGES_DUE,
        ExchangesDropped = counter::EXCHANGES_DROPPED,
        ExchangesNoDevice = counter::EXCHANGES_NO_DEVICE,
        ExchangesSent = counter::EXCHANGES_SENT,
        ExchangesAnswered = counter::EXCHANGES_ANSWERED,
        ExchangesRejected = counter::EXCHANGES_REJECTED,
        ExchangesTimedOut = counter::EXCHANGES_TIMED_OUT,
        ExchangesLost = counter::EXCHANGES_LOST,
        ExchangesOneWay = counter::EXCHANGES_ONE_WAY,
        MessagesScheduled = counter::MESSAGES_SCHEDULED,
        MessagesPublished = counter::MESSAGES_PUBLISHED,
        MessagesDropped = counter::MESSAGES_DROPPED,
        MessagesRejected = counter::MESSAGES_REJECTED,
        MessagesUnconfirmed = counter::MESSAGES_UNCONFIRMED,
        MessagesReceived = counter::MESSAGES_RECEIVED,
        MessagesDelivered = counter::MESSAGES_DELIVERED,
        MessagesMissing = counter::MESSAGES_MISSING,
        MessagesMissingAtEnd = counter::MESSAGES_MISSING_AT_END,
        MessagesReordered = counter::MESSAGES_REORDERED,
        MessagesDuplicated = counter::MESSAGES_DUPLICATED,
        SubscriptionsAsked = counter::SUBSCRIPTIONS_ASKED,
        SubscriptionsConfirmed = counter::SUBSCRIPTIONS_CONFIRMED,
        TelemetryDue = counter::TELEMETRY_DUE,
        TelemetrySent = counter::TELEMETRY_SENT,
        TelemetryResent = counter::TELEMETRY_RESENT,
        TelemetryAccepted = counter::TELEMETRY_ACCEPTED,
        TelemetryRejected = counter::TELEMETRY_REJECTED,
    }
}

named! {
    /// A number that goes up and down.
    Level {
        SocketsOpen = gauge::SOCKETS_OPEN,
        HeartbeatsPending = gauge::HEARTBEATS_PENDING,
        CommandsInFlight = gauge::COMMANDS_IN_FLIGHT,
        ExchangesInFlight = gauge::EXCHANGES_IN_FLIGHT,
        MessagesInFlight = gauge::MESSAGES_IN_FLIGHT,
        TelemetryPending = gauge::TELEMETRY_PENDING,
    }
}

named! {
    /// A thing that is timed.
    Timing {
        Connect = latency::CONNECT,
        ConnectOpen = latency::CONNECT_OPEN,
        Reconnect = latency::RECONNECT,
        LoginResponse = latency::LOGIN_RESPONSE,
        LoginService = latency::LOGIN_SERVICE,
        HeartbeatResponse = latency::HEARTBEAT_RESPONSE,
        HeartbeatService = latency::HEARTBEAT_SERVICE,
        CommandResponse = latency::COMMAND_RESPONSE,
        CommandService = latency::COMMAND_SERVICE,
        CommandSameNode = latency::COMMAND_SAME_NODE,
        CommandCrossNode = latency::COMMAND_CROSS_NODE,
        ExchangeResponse = latency::EXCHANGE_RESPONSE,
        ExchangeService = latency::EXCHANGE_SERVICE,
        MessageResponse = latency::MESSAGE_RESPONSE,
        MessageLatency = latency::MESSAGE_LATENCY,
        MessageService = latency::MESSAGE_SERVICE,
        MessageGap = latency::MESSAGE_GAP,
        TelemetryResponse = latency::TELEMETRY_RESPONSE,
        TelemetryService = latency::TELEMETRY_SERVICE,
        SendLag = latency::SEND_LAG,
    }
}

/// Nodes whose replies have a histogram of their own, some tens of kilobytes each. Replies
/// of further nodes are in the histogram of all replies only.
const OWNERS_LIMIT: usize = 32;

/// Kinds with a counter of their own; further ones count as `other`. A server chooses
/// close codes and reasons, and must not fill the record with names.
const KINDS_LIMIT: usize = 64;

/// The counts, levels and timings of one worker.
pub struct Recorder {
    counts: [AtomicU64; Count::NAMES.len()],
    levels: [AtomicI64; Level::NAMES.len()],
    timings: [Mutex<LatencyHistogram>; Timing::NAMES.len()],
    /// Timings of replies, by the node that owned the socket.
    owner_timings: Mutex<BTreeMap<String, LatencyHistogram>>,
    /// Counts of open sets of kinds, by full name.
    kind_counts: Mutex<BTreeMap<String, u64>>,
    /// Never taken: the coordinator compares it with the plan.
    ramp_resolved: AtomicU64,
}

/// The counts and timings since the last snapshot.
pub struct RecorderSnapshot {
    /// Name and growth of each counter that grew.
    pub counters: Vec<(String, u64)>,
    /// Name and value of each level.
    pub gauges: Vec<(String, f64)>,
    /// Tag and histogram of each timing that had a value.
    pub latencies: Vec<(String, LatencyHistogram)>,
    /// Sockets of the ramp's pools that have opened or failed since the start of the run.
    pub ramp_resolved: u64,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            levels: Default::default(),
            timings: std::array::from_fn(|_| Mutex::new(latency_histogram())),
            owner_timings: Mutex::default(),
            kind_counts: Mutex::default(),
            ramp_resolved: AtomicU64::new(0),
        }
    }
}

impl Recorder {
    /// Adds one to a counter.
    pub fn count(&self, counter: Count) {
        self.add(counter, 1);
    }

    /// Adds `count` to a counter.
    pub fn add(&self, counter: Count, count: u64) {
        // Relaxed throughout: no other memory depends on the order of counts.
        self.counts[counter as usize].fetch_add(count, Relaxed);
    }

    /// Counts one of an open set of kinds, such as `connect.failed.refused`.
    pub fn count_kind(&self, family: &str, kind: &str) {
        let mut kinds = self.kind_counts.lock();
        let mut name = format!("{family}.{kind}");
        if kinds.len() >= KINDS_LIMIT && !kinds.contains_key(&name) {
            name = format!("{family}.other");
        }
        *kinds.entry(name).or_default() += 1;
    }

    /// Returns the growth of a counter since the last snapshot.
    pub fn value(&self, counter: Count) -> u64 {
        self.counts[counter as usize].load(Relaxed)
    }

    /// Moves a level by `by`.
    pub fn add_to_level(&self, level: Level, by: i64) {
        self.levels[level as usize].fetch_add(by, Relaxed);
    }

    /// Returns the value of a level.
    pub fn level(&self, level: Level) -> i64 {
        self.levels[level as usize].load(Relaxed)
    }

    /// Records one value of a timing.
    pub fn time(&self, timing: Timing, took: Duration) {
        let mut histogram = self.timings[timing as usize].lock();
        record(&mut histogram, took);
    }

    /// Records the service time of a reply of a device whose socket `node` owned.
    pub fn time_owner(&self, node: &str, took: Duration) {
        let mut owners = self.owner_timings.lock();
        // Not by `entry`, which would allocate the name for every reply.
        if let Some(histogram) = owners.get_mut(node) {
            record(histogram, took);
        } else if owners.len() < OWNERS_LIMIT {
            let histogram = owners.entry(node.to_owned());
            record(histogram.or_insert_with(latency_histogram), took);
        }
    }

    /// Counts a socket of the ramp's pools that has opened or failed for the first time.
    pub fn ramp_socket_resolved(&self) {
        self.ramp_resolved.fetch_add(1, Relaxed);
    }

    /// Takes the counts and timings since the last snapshot; levels stay.
    pub fn take_snapshot(&self) -> RecorderSnapshot {
        let mut counters: Vec<_> = Count::NAMES
            .iter()
            .zip(&self.counts)
            // Read and reset in one step: a count in between would be lost.
            .map(|(name, count)| ((*name).to_owned(), count.swap(0, Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect();
        // Taken whole, so that each interval has its own limit of kinds.
        let kinds = std::mem::take(&mut *self.kind_counts.lock());
        counters.extend(kinds);
        let timings = Timing::NAMES.iter().zip(&self.timings);
        let timings =
            timings.filter_map(|(tag, timing)| Some(((*tag).to_owned(), take_histogram(timing)?)));
        RecorderSnapshot {
            counters,
            gauges: Level::NAMES
                .iter()
                .zip(&self.levels)
                .map(|(name, level)| ((*name).to_owned(), level.load(Relaxed) as f64))
                .collect(),
            latencies: timings.chain(self.take_owners()).collect(),
            ramp_resolved: self.ramp_resolved.load(Relaxed),
        }
    }

    /// Takes the timings by owner, with their tags. No histogram is kept, so that nodes
    /// that have ended make room for others.
    fn take_owners(&self) -> impl Iterator<Item = (String, LatencyHistogram)> {
        let mut owners = self.owner_timings.lock();
        let taken = std::mem::take(&mut *owners).into_iter();
        taken.map(|(node, histogram)| (format!("{}@{node}", latency::COMMAND_OWNER), histogram))
    }
}

/// Empties the histogram in place, without giving its memory back; `None` if it is empty.
fn take_histogram(timing: &Mutex<LatencyHistogram>) -> Option<LatencyHistogram> {
    let mut histogram = timing.lock();
    if histogram.is_empty() {
        return None;
    }
    // Copied and reset: a new histogram would grow step by step again.
    let taken = histogram.clone();
    histogram.reset();
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_takes_counts_and_leaves_levels() {
        let recorder = Recorder::default();
        recorder.count(Count::CommandsCrossNode);
        recorder.add_to_level(Level::CommandsInFlight, 3);
        recorder.time(Timing::SendLag, Duration::from_micros(250));
        recorder.count_kind(counter::CONNECT_FAILED, "refused");

        let taken = recorder.take_snapshot();
        assert_eq!(
            taken.counters,
            [
                ("commands.cross_node".to_owned(), 1),
                ("connect.failed.refused".to_owned(), 1)
            ]
        );
        assert_eq!(taken.gauges[2], ("commands.in_flight".to_owned(), 3.0));
        assert_eq!(taken.latencies[0].0, "send_lag");
        assert_eq!(taken.latencies[0].1.max(), 250);

        let taken = recorder.take_snapshot();
        assert_eq!(taken.counters, []);
        assert_eq!(taken.gauges[2].1, 3.0);
        assert!(taken.latencies.is_empty());
    }

    #[test]
    fn owners_have_histograms_up_to_the_limit() {
        let recorder = Recorder::default();
        recorder.time_owner("n1", Duration::from_micros(100));
        recorder.time_owner("n1", Duration::from_micros(300));
        let latencies = recorder.take_snapshot().latencies;
        assert_eq!(latencies.len(), 1);
        assert_eq!(latencies[0].0, "commands.owner@n1");
        assert_eq!((latencies[0].1.len(), latencies[0].1.max()), (2, 300));

        for node in 0..1_000 {
            recorder.time_owner(&format!("n{node}"), Duration::from_micros(1));
        }
        assert_eq!(recorder.take_snapshot().latencies.len(), OWNERS_LIMIT);
        assert!(recorder.take_snapshot().latencies.is_empty());
    }

    #[test]
    fn kinds_beyond_the_limit_count_as_other() {
        let recorder = Recorder::default();
        for code in 0..10_000 {
            recorder.count_kind(counter::DISCONNECT, &format!("closed_{code}"));
        }
        let counters = recorder.take_snapshot().counters;
        assert_eq!(counters.len(), KINDS_LIMIT + 1);
        assert_eq!(counters.iter().map(|(_, n)| n).sum::<u64>(), 10_000);
    }
}
