//! What fuzz targets call for what lies at a broker or goes through it.

use bytes::Bytes;

use super::{frame::FrameHeader, membership_table::MembershipTable};
use crate::backplane::{decode_frame, encode_frame, is_valid_version};

/// A frame that is understood says the same when it is written again.
pub(crate) fn frame(bytes: &[u8]) {
    let Some((header, payload)) = decode_frame::<FrameHeader>(&Bytes::copy_from_slice(bytes))
    else {
        return;
    };
    let again = decode_frame::<FrameHeader>(&encode_frame(&header, &payload));
    let (header_again, payload_again) = again.expect("a frame of ours is not understood");
    assert_eq!(format!("{header:?}"), format!("{header_again:?}"));
    assert_eq!(payload, payload_again);
}

/// A roster that is understood says the same when it is written again, has each
/// member once, and can grow.
pub(crate) fn membership_table(bytes: &[u8]) {
    let Ok(mut roster) = MembershipTable::parse(bytes) else {
        return;
    };
    assert!(is_valid_version(roster.version));
    let again =
        MembershipTable::parse(&roster.to_bytes()).expect("a roster of ours is not understood");
    assert_eq!(roster, again);
    let seats = roster.entries();
    assert!(seats.is_sorted_by(|a, b| a.id() < b.id()));
    for seat in seats {
        assert_eq!(roster.entry(seat.id()), Some(seat));
    }
    assert_eq!(roster.view().members.len(), seats.len());
    let inboxes: Vec<_> = seats.iter().map(|seat| seat.inbox.clone()).collect();
    let before = roster.version;
    let left = roster.remove(&inboxes, 0);
    assert_eq!(left.len(), inboxes.len());
    assert!(roster.entries().is_empty() && (left.is_empty() || roster.version > before));
}
