//! One publisher's messages as one subscriber received them, in sixteen bytes.

/// Numbers below the next one for which a late message differs from a duplicate: the bits
/// of [`Sequence::seen`].
const WINDOW: u64 = 64;

/// The sequence of one publisher at a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// The lowest number that has not come and has none after it.
    pub next: u64,
    /// Bit `n`: number `next - 1 - n` has come, or was never expected.
    seen: u64,
}

/// The relation of a message to the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceResult {
    /// A new message.
    New {
        /// Numbers before it that have not come.
        missing: u64,
    },
    /// A message that was missing.
    Late,
    /// A message that has come before, or is too old to tell.
    Duplicate,
}

impl Sequence {
    /// Creates a sequence that expects number `next` first.
    pub fn expecting(next: u64) -> Self {
        Self {
            next,
            seen: u64::MAX,
        }
    }

    /// Takes in the message of number `number`.
    pub fn record(&mut self, number: u64) -> SequenceResult {
        if number >= self.next {
            let missing = number - self.next;
            // A gap of 64 or more shifts out all bits, which `checked_shl` refuses to do.
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

    /// Returns how many numbers stay missing, came late and came again.
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
    fn each_order_of_numbers_is_counted() {
        for (numbers, expected) in [
            (&[5, 6, 7, 8][..], (0, 0, 0)),
            (&[6, 7], (1, 0, 0)),
            (&[5, 8], (2, 0, 0)),
            (&[5, 5, 6, 6], (0, 0, 2)),
            (&[5, 7, 6, 8], (0, 1, 0)),
            (&[8, 7, 6, 5], (0, 3, 0)),
            (&[5, 7, 6, 6], (0, 1, 1)),
            // A number before the first that was expected.
            (&[4, 5], (0, 0, 1)),
            // A gap wider than the window: a late number counts as a duplicate.
            (&[5, 205, 6], (199, 0, 1)),
        ] {
            assert_eq!(replay(5, numbers), expected, "{numbers:?}");
        }
    }

    #[test]
    fn highest_number_is_recorded_without_overflow() {
        let mut sequence = Sequence::expecting(0);
        assert_eq!(
            sequence.record(u64::MAX),
            SequenceResult::New { missing: u64::MAX }
        );
        assert_eq!(sequence.record(7), SequenceResult::Duplicate);
    }

    proptest! {
        /// Drops messages, doubles them and swaps them with a neighbour.
        #[test]
        fn every_fault_is_counted(faults in prop::collection::vec(0u8..8, 1..300)) {
            let mut numbers = Vec::new();
            let (mut lost, mut doubled, mut swapped) = (0, 0, 0);
            let mut held = None;
            let count = faults.len() as u64;
            for (number, fault) in (0u64..).zip(faults) {
                match fault {
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
                if fault != 0 && let Some(late) = held.take() {
                    numbers.push(late);
                    swapped += 1;
                }
            }
            lost += u64::from(held.is_some());
            // A last message shows what is missing before it.
            numbers.push(count);
            prop_assert_eq!(replay(0, &numbers), (lost, swapped, doubled));
        }
    }
}
