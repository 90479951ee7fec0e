//! What fuzz targets call for what lies at a broker or goes through it.

use bytes::Bytes;

use super::{frame::Header, membership_table::Roster};
use crate::backplane::{is_version, open, seal};

/// A frame that is understood says the same when it is written again.
pub(crate) fn frame(bytes: &[u8]) {
    let Some((header, payload)) = open::<Header>(&Bytes::copy_from_slice(bytes)) else {
        return;
    };
    let again = open::<Header>(&seal(&header, &payload));
    let (header_again, payload_again) = again.expect("a frame of ours is not understood");
    assert_eq!(format!("{header:?}"), format!("{header_again:?}"));
    assert_eq!(payload, payload_again);
}

/// A roster that is understood says the same when it is written again, has each
/// member once, and can grow.
pub(crate) fn roster(bytes: &[u8]) {
    let Ok(mut roster) = Roster::parse(bytes) else {
        return;
    };
    assert!(is_version(roster.version));
    let again = Roster::parse(&roster.to_bytes()).expect("a roster of ours is not understood");
    assert_eq!(roster, again);
    let seats = roster.seats();
    assert!(seats.is_sorted_by(|a, b| a.id() < b.id()));
    for seat in seats {
        assert_eq!(roster.seat(seat.id()), Some(seat));
    }
    assert_eq!(roster.view().members.len(), seats.len());
    let inboxes: Vec<_> = seats.iter().map(|seat| seat.inbox.clone()).collect();
    let before = roster.version;
    let left = roster.remove(&inboxes, 0);
    assert_eq!(left.len(), inboxes.len());
    assert!(roster.seats().is_empty() && (left.is_empty() || roster.version > before));
}
