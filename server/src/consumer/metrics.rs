//! What a consumer says about itself to Prometheus.

use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

use prometheus::Registry;

use crate::{
    listener::DoorMetrics,
    metric::{self, look_up_process, set, set_counter},
};

/// What a consumer counts.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    seen: AtomicU64,
    handled: AtomicU64,
    redelivered: AtomicU64,
    lost: AtomicU64,
    in_hand: AtomicUsize,
    connected: AtomicBool,
    pub(super) door: DoorMetrics,
}

impl Metrics {
    /// Joined or not any more; what was in hand is others' then.
    pub(super) fn connected(&self, connected: bool) {
        self.connected.store(connected, SeqCst);
        self.in_hand(0);
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(SeqCst)
    }

    pub(super) fn in_hand(&self, count: usize) {
        self.in_hand.store(count, Relaxed);
    }

    pub(super) fn handled(&self, redelivered: bool) {
        self.handled.fetch_add(1, Relaxed);
        if redelivered {
            self.redelivered.fetch_add(1, Relaxed);
        }
    }

    /// Counts a reading, and whether it is one that is to be lost.
    pub(super) fn loses_this_one(&self, every: u64) -> bool {
        let seen = self.seen.fetch_add(1, Relaxed) + 1;
        let loses = every > 0 && seen.is_multiple_of(every);
        if loses {
            self.lost.fetch_add(1, Relaxed);
        }
        loses
    }

    /// In the Prometheus text format. `heap` is the allocator's live bytes.
    pub(super) fn text(&self, heap: Option<u64>) -> String {
        let registry = Registry::new();
        let count = |counter: &AtomicU64| Some(counter.load(Relaxed) as f64);
        set_counter(
            &registry,
            "highwater_readings_handled_total",
            "Readings that this consumer has handled.",
            count(&self.handled),
        );
        set_counter(
            &registry,
            "highwater_readings_redelivered_total",
            "Of those, readings that a consumer may have had before.",
            count(&self.redelivered),
        );
        set_counter(
            &registry,
            "highwater_readings_dropped_total",
            "Readings acknowledged without having been handled: an injected fault.",
            count(&self.lost),
        );
        set(
            &registry,
            "highwater_readings_in_hand",
            "Readings in this consumer's hand.",
            Some(self.in_hand.load(Relaxed) as f64),
        );
        set(
            &registry,
            "highwater_queue_connected",
            "Whether this consumer is joined to its group: 0 or 1.",
            Some(f64::from(u8::from(self.is_connected()))),
        );
        self.door.register(&registry);
        look_up_process(heap, &registry);
        metric::text(&registry.gather())
    }
}
