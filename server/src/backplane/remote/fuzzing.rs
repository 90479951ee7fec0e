//! The checks of fuzz targets on frames and on the membership table.

use bytes::Bytes;

use super::{Inbox, frame::FrameHeader, membership_table::MembershipTable};
use crate::{
    backplane::{MemberEntry, decode_frame, encode_frame},
    clock::is_plausible_version,
};

/// Checks that a valid frame stays the same when it is encoded again.
pub(crate) fn frame(bytes: &[u8]) {
    let Some((header, payload)) = decode_frame::<FrameHeader>(&Bytes::copy_from_slice(bytes))
    else {
        return;
    };
    let again = decode_frame::<FrameHeader>(&encode_frame(&header, &payload));
    let (header_again, payload_again) = again.expect("an encoded frame is invalid");
    assert_eq!(format!("{header:?}"), format!("{header_again:?}"));
    assert_eq!(payload, payload_again);
}

/// Checks that a valid table stays the same when it is encoded again, lists each member
/// once, and can grow.
pub(crate) fn membership_table(bytes: &[u8]) {
    let Ok(mut table) = MembershipTable::parse(bytes) else {
        return;
    };
    assert!(is_plausible_version(table.version()));
    let again = MembershipTable::parse(&table.to_bytes()).expect("an encoded table is invalid");
    assert_eq!(table, again);
    let entries = table.entries();
    assert!(entries.is_sorted_by(|a, b| a.member.id < b.member.id));
    for entry in entries {
        assert_eq!(table.entry(&entry.member.id), Some(entry));
    }
    assert_eq!(table.view().members.len(), entries.len());
    let inboxes: Vec<Inbox> = entries.iter().map(MemberEntry::inbox).collect();
    let before = table.version();
    let removed = table.remove(&inboxes, 0);
    assert_eq!(removed.len(), inboxes.len());
    assert!(table.entries().is_empty() && (removed.is_empty() || table.version() > before));
}
