//! Stamps and sequences of topic messages.

use crate::worker::messages::{
    sequence::{Sequence, SequenceResult},
    stamp::Stamp,
};

/// Checks that a stamp is found again in the body that it writes, and that numbers in any
/// order are late at most as often as they were missing.
pub fn message_payloads(bytes: &[u8]) {
    if let Some(stamp) = Stamp::find(&String::from_utf8_lossy(bytes)) {
        assert_eq!(Stamp::find(&stamp.body(64)), Some(stamp));
    }
    let (numbers, _) = bytes.as_chunks();
    let mut sequence = Sequence::expecting(1 << 32);
    let (mut missing, mut late) = (0_u64, 0_u64);
    for number in numbers {
        match sequence.record(u64::from_le_bytes(*number)) {
            SequenceResult::New { missing: more } => missing = missing.saturating_add(more),
            SequenceResult::Late => late += 1,
            SequenceResult::Duplicate => {}
        }
    }
    assert!(late <= missing);
}
