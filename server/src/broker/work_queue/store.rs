//! The readings that the broker holds.

use std::collections::HashMap;

use bytes::Bytes;

use crate::ingest::queue::{MAX_QUEUED_BYTES, MAX_QUEUED_RECORDS};

/// Bounds of all readings at the broker; more are refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoreLimits {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            records: MAX_QUEUED_RECORDS,
            bytes: MAX_QUEUED_BYTES,
        }
    }
}

/// A reading that some group has not handled.
pub(super) struct QueuedTelemetry {
    pub(super) payload: Bytes,
    pub(super) producer: u64,
    /// The producer's own number for it.
    pub(super) sequence: u64,
    /// Groups that have not handled it.
    pub(super) pending_groups: usize,
}

/// All of them, by the broker's own number.
pub(super) struct TelemetryStore {
    limits: StoreLimits,
    bytes: usize,
    records: HashMap<u64, QueuedTelemetry>,
}

impl TelemetryStore {
    pub(super) fn new(limits: StoreLimits) -> Self {
        Self {
            limits,
            bytes: 0,
            records: HashMap::new(),
        }
    }

    /// Whether one of so many bytes fits.
    pub(super) fn has_capacity(&self, bytes: usize) -> bool {
        self.records.len() < self.limits.records && self.bytes + bytes <= self.limits.bytes
    }

    pub(super) fn add(&mut self, id: u64, reading: QueuedTelemetry) {
        self.bytes += reading.payload.len();
        self.records.insert(id, reading);
    }

    pub(super) fn get(&self, id: u64) -> Option<&QueuedTelemetry> {
        self.records.get(&id)
    }

    /// Gives the reading back once no group has it any more.
    pub(super) fn release(&mut self, id: u64) -> Option<QueuedTelemetry> {
        let reading = self.records.get_mut(&id)?;
        reading.pending_groups -= 1;
        if reading.pending_groups > 0 {
            return None;
        }
        let reading = self.records.remove(&id)?;
        self.bytes -= reading.payload.len();
        Some(reading)
    }

    /// How many there are, and their bytes.
    #[cfg(test)]
    pub(super) fn usage(&self) -> (usize, usize) {
        (self.records.len(), self.bytes)
    }
}
