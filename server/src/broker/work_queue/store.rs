//! The readings that the broker holds.

use std::collections::HashMap;

use bytes::Bytes;

use crate::ingest::queue::{MOST_BYTES, MOST_READINGS};

/// Bounds of all readings at the broker; more are refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) readings: usize,
    pub(super) bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            readings: MOST_READINGS,
            bytes: MOST_BYTES,
        }
    }
}

/// A reading that some group has not handled.
pub(super) struct Reading {
    pub(super) payload: Bytes,
    pub(super) producer: u64,
    /// The producer's own number for it.
    pub(super) number: u64,
    /// Groups that have not handled it.
    pub(super) groups_left: usize,
}

/// All of them, by the broker's own number.
pub(super) struct Readings {
    room: Room,
    bytes: usize,
    held: HashMap<u64, Reading>,
}

impl Readings {
    pub(super) fn new(room: Room) -> Self {
        Self {
            room,
            bytes: 0,
            held: HashMap::new(),
        }
    }

    /// Whether one of so many bytes fits.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.held.len() < self.room.readings && self.bytes + bytes <= self.room.bytes
    }

    pub(super) fn add(&mut self, id: u64, reading: Reading) {
        self.bytes += reading.payload.len();
        self.held.insert(id, reading);
    }

    pub(super) fn get(&self, id: u64) -> Option<&Reading> {
        self.held.get(&id)
    }

    /// Gives the reading back once no group has it any more.
    pub(super) fn one_group_less(&mut self, id: u64) -> Option<Reading> {
        let reading = self.held.get_mut(&id)?;
        reading.groups_left -= 1;
        if reading.groups_left > 0 {
            return None;
        }
        let reading = self.held.remove(&id)?;
        self.bytes -= reading.payload.len();
        Some(reading)
    }

    /// How many there are, and their bytes.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.held.len(), self.bytes)
    }
}
