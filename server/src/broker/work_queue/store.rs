//! The records of telemetry that the broker holds.

use std::collections::HashMap;

use bytes::Bytes;

use crate::ingest::queue::{MAX_QUEUED_BYTES, MAX_QUEUED_RECORDS};

/// The bounds of all records at the broker; further ones are rejected.
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

/// A record that at least one group has not handled.
pub(super) struct QueuedTelemetry {
    pub(super) payload: Bytes,
    pub(super) producer: u64,
    /// The producer's number for the record.
    pub(super) sequence: u64,
    /// The number of groups that have not handled the record.
    pub(super) pending_groups: usize,
    /// Whether at least one group has handled the record.
    pub(super) is_handled: bool,
}

/// The records, by the broker's number for each.
#[derive(Default)]
pub(super) struct TelemetryStore {
    pub(super) limits: StoreLimits,
    /// The length of all payloads.
    pub(super) bytes: usize,
    pub(super) records: HashMap<u64, QueuedTelemetry>,
}

impl TelemetryStore {
    /// Whether a record of this size fits.
    pub(super) fn has_capacity(&self, bytes: usize) -> bool {
        self.records.len() < self.limits.records && self.bytes + bytes <= self.limits.bytes
    }

    pub(super) fn add(&mut self, id: u64, record: QueuedTelemetry) {
        self.bytes += record.payload.len();
        self.records.insert(id, record);
    }

    /// Notes that a group has handled a record.
    pub(super) fn mark_handled(&mut self, id: u64) {
        if let Some(record) = self.records.get_mut(&id) {
            record.is_handled = true;
        }
    }

    /// Counts that one group is done with a record. Removes and returns the record when
    /// every group is.
    pub(super) fn release(&mut self, id: u64) -> Option<QueuedTelemetry> {
        // `publish` counts every group once, and a group releases a record once.
        let record = self.records.get_mut(&id)?;
        record.pending_groups -= 1;
        if record.pending_groups > 0 {
            return None;
        }
        let record = self.records.remove(&id)?;
        self.bytes -= record.payload.len();
        Some(record)
    }
}
