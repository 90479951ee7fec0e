//! The metrics of a consumer.

use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

use prometheus::Registry;

use super::ConsumerConfig;
use crate::{
    metric::{self, collect_process, register_counter, register_gauge},
    net::listener::ListenerMetrics,
};

/// The counters of a consumer.
#[derive(Debug, Default)]
pub(super) struct ConsumerMetrics {
    received: AtomicU64,
    handled: AtomicU64,
    redelivered: AtomicU64,
    dropped: AtomicU64,
    unacked: AtomicUsize,
    connected: AtomicBool,
    pub(super) listener: ListenerMetrics,
    heap_probe: Option<fn() -> Option<u64>>,
    dropped_log_lines: Option<fn() -> u64>,
}

impl ConsumerMetrics {
    pub(super) fn new(config: &ConsumerConfig) -> Self {
        Self {
            heap_probe: config.heap_probe,
            dropped_log_lines: config.dropped_log_lines,
            ..Self::default()
        }
    }

    /// Sets whether the consumer is joined.
    pub(super) fn set_connected(&self, connected: bool) {
        self.connected.store(connected, SeqCst);
        // Without a connection it has no unacked records: they go to other members.
        self.set_unacked(0);
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(SeqCst)
    }

    pub(super) fn set_unacked(&self, count: usize) {
        self.unacked.store(count, Relaxed);
    }

    pub(super) fn record_handled(&self, redelivered: bool) {
        self.handled.fetch_add(1, Relaxed);
        if redelivered {
            self.redelivered.fetch_add(1, Relaxed);
        }
    }

    /// Counts a record, and returns whether the fault drops it.
    pub(super) fn should_drop_next(&self, every: u64) -> bool {
        let number = self.received.fetch_add(1, Relaxed) + 1;
        let drops = every > 0 && number.is_multiple_of(every);
        if drops {
            self.dropped.fetch_add(1, Relaxed);
        }
        drops
    }

    /// Returns the metrics in the Prometheus text format.
    pub(super) fn text(&self) -> String {
        let registry = Registry::new();
        let count = |counter: &AtomicU64| Some(counter.load(Relaxed) as f64);
        register_counter(
            &registry,
            "highwater_telemetry_handled_total",
            "Telemetry records that this consumer has handled.",
            count(&self.handled),
        );
        register_counter(
            &registry,
            "highwater_telemetry_redelivered_total",
            "Of those, telemetry records that a consumer may have had before.",
            count(&self.redelivered),
        );
        register_counter(
            &registry,
            "highwater_telemetry_dropped_total",
            "Telemetry records acknowledged without having been handled: an injected fault.",
            count(&self.dropped),
        );
        register_gauge(
            &registry,
            "highwater_telemetry_unacked",
            "Telemetry records that this consumer has taken and not acknowledged yet.",
            Some(self.unacked.load(Relaxed) as f64),
        );
        register_gauge(
            &registry,
            "highwater_queue_connected",
            "Whether this consumer is joined to its group: 0 or 1.",
            Some(f64::from(u8::from(self.is_connected()))),
        );
        self.listener.register(&registry);
        let heap = self.heap_probe.and_then(|probe| probe());
        let dropped = self.dropped_log_lines.map(|probe| probe());
        collect_process(heap, dropped, &registry);
        metric::encode_text(&registry.gather())
    }
}
