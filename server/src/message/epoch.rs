//! The order of a device's connections.

use serde::{Deserialize, Serialize};

use crate::clock::is_plausible_version;

/// Bits of the counter: 67 million registrations at one node within one view. The rest
/// is the view version.
const COUNTER_BITS: u32 = 26;

/// The number that orders the connections of one device: the newer one has the greater
/// epoch. Never 0.
///
/// The slot owner assigns it at registration: the version of the view in the high bits,
/// the slot owner's own counter below. Versions only grow, and within one view a device
/// has one slot owner, so no clocks are compared (after Lamport).
// An epoch of another process is checked: one far ahead would outlive every later connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub(crate) struct Epoch(u64);

/// An epoch of another process that lies far ahead of this machine's clock, or is 0.
#[derive(Debug, thiserror::Error)]
#[error("invalid epoch {0}: its view lies more than a day ahead of this machine's clock")]
pub(crate) struct ImplausibleEpoch(u64);

impl Epoch {
    /// Returns the `count`-th epoch that a slot owner assigns in view `version`.
    pub(crate) fn new(version: u64, count: u64) -> Self {
        // A counter that overflowed would look like a later view. At the limit the slot
        // owner still puts a newer connection above the known one, with `next`.
        let count = count.min((1 << COUNTER_BITS) - 1);
        Self(((version << COUNTER_BITS) | count).max(1))
    }

    /// Returns the epoch of a connection that no slot owner knows yet, made at `now_ms` in
    /// milliseconds since 1970 by a node whose last view has that version.
    ///
    /// The epoch is above all epochs of that view and below those of later ones. Two of one view
    /// are in the order of their nodes' clocks, within four days.
    pub(crate) fn provisional(version: u64, now_ms: u64) -> Self {
        let upper_half = 1 << (COUNTER_BITS - 1);
        Self::new(version, upper_half | (now_ms / 10 % upper_half))
    }

    /// Returns the epoch just above this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the epoch as a number greater than 0.
    pub(crate) fn raw(self) -> u64 {
        self.0
    }

    /// Returns the epoch of that number; `None` for 0.
    pub(crate) fn from_raw(raw: u64) -> Option<Self> {
        (raw != 0).then_some(Self(raw))
    }
}

impl TryFrom<u64> for Epoch {
    type Error = ImplausibleEpoch;

    fn try_from(raw: u64) -> Result<Self, ImplausibleEpoch> {
        let epoch = Self::from_raw(raw).filter(|_| is_plausible_version(raw >> COUNTER_BITS));
        epoch.ok_or(ImplausibleEpoch(raw))
    }
}

impl From<Epoch> for u64 {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{decode, encode};

    #[test]
    fn epoch_of_the_far_future_is_not_decoded() {
        let epoch = Epoch::new(7, 3);
        assert_eq!(decode::<Epoch>(&encode(&epoch)), Some(epoch));
        for lie in [u64::MAX, u64::MAX - 1, 0] {
            assert_eq!(decode::<Epoch>(&encode(&lie)), None, "{lie}");
        }
    }

    #[test]
    fn provisional_epoch_lies_between_its_view_and_the_next() {
        let provisional = Epoch::provisional(7, 1_800_000_000_000);
        assert!(provisional > Epoch::new(7, 1_000_000));
        assert!(provisional < Epoch::new(8, 0));
        assert!(provisional < Epoch::provisional(7, 1_800_000_000_010));
    }

    #[test]
    fn epoch_of_later_view_is_greater_whatever_the_count() {
        assert!(Epoch::new(2, 0) > Epoch::new(1, u64::MAX));
        assert!(Epoch::new(1, 2) > Epoch::new(1, 1));
        assert!(Epoch::new(0, 0).raw() > 0);
    }
}
