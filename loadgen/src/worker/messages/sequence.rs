//! What of one publisher's sequence has come to one subscriber, in sixteen bytes.

/// How far back a late message is told from one that came twice.
const WINDOW: u64 = 64;

/// The sequence as it is seen from the subscriber's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    next: u64,
    /// Bit `n`: number `next - 1 - n` has come, or was never expected.
    seen: u64,
}

/// What a message is to the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceResult {
    /// New, after so many others that have not come.
    New {
        /// How many.
        missing: u64,
    },
    /// One that was missing.
    Late,
    /// One that had come before, or is too old to tell.
    Duplicate,
}

impl Sequence {
    /// The next one expected is number `next`.
    pub fn expecting(next: u64) -> Self {
        Self {
            next,
            seen: u64::MAX,
        }
    }

    /// The number that is expected next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Number `number` has come.
    pub fn record(&mut self, number: u64) -> SequenceResult {
        if number >= self.next {
            let missing = number - self.next;
            // Wide shifts leave nothing of what was seen.
            let shift = u32::try_from(missing.saturating_add(1)).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
            self.next = number.saturating_add(1);
            return SequenceResult::New { missing };
        }
        let back = self.next - 1 - number;
        if back >= WINDOW || self.seen & (1 << back) != 0 {
            return SequenceResult::Duplicate;
        }
        self.seen |= 1 << back;
        SequenceResult::Late
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Missing less late, late, again.
    fn replay(from: u64, numbers: &[u64]) -> (u64, u64, u64) {
        let mut sequence = Sequence::expecting(from);
        let (mut missing, mut late, mut again) = (0, 0, 0);
        for number in numbers {
            match sequence.record(*number) {
                SequenceResult::New { missing: more } => missing += more,
                SequenceResult::Late => late += 1,
                SequenceResult::Duplicate => again += 1,
            }
        }
        (missing - late, late, again)
    }

    #[test]
    fn losses_doubles_and_changes_of_order() {
        for (numbers, expected) in [
            (&[5, 6, 7, 8][..], (0, 0, 0)),
            (&[6, 7], (1, 0, 0)),
            (&[5, 8], (2, 0, 0)),
            (&[5, 5, 6, 6], (0, 0, 2)),
            (&[5, 7, 6, 8], (0, 1, 0)),
            (&[8, 7, 6, 5], (0, 3, 0)),
            (&[5, 7, 6, 6], (0, 1, 1)),
            // Before the first that was expected.
            (&[4, 5], (0, 0, 1)),
            // So far apart that nothing before is known any more.
            (&[5, 205, 6], (199, 0, 1)),
        ] {
            assert_eq!(replay(5, numbers), expected, "{numbers:?}");
        }
    }

    #[test]
    fn the_last_number_there_is_comes_like_any_other() {
        let mut sequence = Sequence::expecting(0);
        assert_eq!(
            sequence.record(u64::MAX),
            SequenceResult::New { missing: u64::MAX }
        );
        assert_eq!(sequence.record(7), SequenceResult::Duplicate);
    }

    proptest! {
        /// Any number of messages dropped, doubled and swapped with a neighbour.
        #[test]
        fn what_is_done_is_found(fates in prop::collection::vec(0u8..8, 1..300)) {
            let mut numbers = Vec::new();
            let (mut lost, mut doubled, mut swapped) = (0, 0, 0);
            let mut held = None;
            let count = fates.len() as u64;
            for (number, fate) in (0u64..).zip(fates) {
                match fate {
                    0 => lost += 1,
                    1 => {
                        numbers.extend([number, number]);
                        doubled += 1;
                    }
                    2 if held.is_none() => {
                        held = Some(number);
                        continue;
                    }
                    _ => numbers.push(number),
                }
                if fate != 0 && let Some(late) = held.take() {
                    numbers.push(late);
                    swapped += 1;
                }
            }
            lost += u64::from(held.is_some());
            // A last one shows what is missing before it.
            numbers.push(count);
            prop_assert_eq!(replay(0, &numbers), (lost, swapped, doubled));
        }
    }
}
