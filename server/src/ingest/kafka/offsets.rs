//! The records of one partition that a member has.

use std::collections::BTreeSet;

/// The records of one partition, from the committed offset on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PartitionOffsets {
    /// The offset after the last record that was handed out.
    next: i64,
    /// The records that were handed out and are not handled.
    unhandled: BTreeSet<i64>,
    /// The end of the records that an earlier owner of the partition may have handed out.
    handed_out_before: i64,
}

/// The text before the offset in the metadata of a commit.
const MARK: &str = "handed-out=";

impl PartitionOffsets {
    /// Returns a partition at its committed offset. `metadata` is that of the commit.
    pub(super) fn new(committed: i64, metadata: &str) -> Self {
        let mark = metadata.strip_prefix(MARK);
        let mark = mark.and_then(|offset| offset.parse().ok());
        Self {
            next: committed,
            unhandled: BTreeSet::new(),
            handed_out_before: mark.unwrap_or(committed),
        }
    }

    /// Adds a record that is handed out. Returns whether an earlier owner may have handed it
    /// out, too.
    pub(super) fn hand_out(&mut self, offset: i64) -> bool {
        self.next = self.next.max(offset.saturating_add(1));
        self.unhandled.insert(offset);
        offset < self.handed_out_before
    }

    /// Removes a record that is handled.
    pub(super) fn acknowledge(&mut self, offset: i64) {
        self.unhandled.remove(&offset);
    }

    /// Returns the number of records that are not handled.
    pub(super) fn unhandled(&self) -> usize {
        self.unhandled.len()
    }

    /// Returns the offset to commit: that of the first record that is not handled.
    pub(super) fn lowest_unhandled(&self) -> i64 {
        self.unhandled.first().copied().unwrap_or(self.next)
    }

    /// Returns the metadata to commit: the end of the records that were ever handed out.
    pub(super) fn metadata(&self) -> String {
        format!("{MARK}{}", self.next.max(self.handed_out_before))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn acknowledgements_out_of_order_leave_the_lowest_unhandled_record() {
        let mut offsets = PartitionOffsets::new(10, "");
        for offset in 10..14 {
            assert!(!offsets.hand_out(offset), "{offset}");
        }
        for (handled, lowest) in [(12, 10), (10, 11), (13, 11), (11, 14), (11, 14)] {
            offsets.acknowledge(handled);
            assert_eq!(offsets.lowest_unhandled(), lowest, "after {handled}");
        }
        assert_eq!(offsets.unhandled(), 0);
    }

    #[test]
    fn next_owner_marks_what_the_earlier_one_had() {
        let mut dead = PartitionOffsets::new(0, "");
        for offset in 0..6 {
            dead.hand_out(offset);
        }
        dead.acknowledge(0);
        dead.acknowledge(1);
        let mut next = PartitionOffsets::new(dead.lowest_unhandled(), &dead.metadata());
        let marked: Vec<bool> = (2..8).map(|offset| next.hand_out(offset)).collect();
        assert_eq!(marked, [true, true, true, true, false, false]);
        // A third owner still marks what the first one had.
        let third = PartitionOffsets::new(2, "handed-out=6");
        assert_eq!(third.metadata(), "handed-out=6");
    }

    #[test]
    fn metadata_of_another_client_marks_nothing() {
        for metadata in ["", "handed-out=", "handed-out=x", "noise"] {
            let mut offsets = PartitionOffsets::new(5, metadata);
            assert!(!offsets.hand_out(5), "{metadata}");
        }
    }

    proptest! {
        #[test]
        fn committed_offset_never_passes_an_unhandled_record(
            gaps in prop::collection::vec(1_i64..4, 1..40),
            acknowledged in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            // A partition has gaps, where Kafka keeps records of its own.
            let handed_out: Vec<i64> = gaps
                .iter()
                .scan(0, |at, gap| { *at += gap; Some(*at) })
                .collect();
            let mut offsets = PartitionOffsets::new(0, "");
            let mut open: BTreeSet<i64> = handed_out.iter().copied().collect();
            for offset in &handed_out {
                offsets.hand_out(*offset);
            }
            for index in acknowledged {
                let offset = *index.get(&handed_out);
                offsets.acknowledge(offset);
                open.remove(&offset);
                let lowest = offsets.lowest_unhandled();
                prop_assert!(open.iter().all(|offset| *offset >= lowest));
                prop_assert_eq!(offsets.unhandled(), open.len());
            }
        }
    }
}
