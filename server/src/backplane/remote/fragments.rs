//! Frames that are longer than a broker accepts, in fragments.
//!
//! A header beside each fragment names its frame by a random number, its index and the count.
//! The fragments of one frame arrive in order, but those of several senders mix.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::backplane::MAX_PAYLOAD_BYTES;

/// The longest frame that is reassembled: the largest payload and its headers.
const MAX_FRAME_BYTES: usize = MAX_PAYLOAD_BYTES + 64 * 1024;
/// The frames that may be incomplete at once, about 70 MiB. Beyond them, the oldest is
/// dropped.
const MAX_PARTIAL_FRAMES: usize = 64;

/// The header of a fragment, in its text form `FRAME INDEX COUNT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backplane) struct FragmentHeader {
    frame_id: u64,
    index: usize,
    count: usize,
}

/// Splits a frame into fragments of at most `max_bytes`.
pub(in crate::backplane) fn split(
    frame: &Bytes,
    max_bytes: usize,
) -> impl ExactSizeIterator<Item = (FragmentHeader, Bytes)> {
    let size = max_bytes.max(1);
    let count = frame.len().div_ceil(size);
    let frame_id: u64 = rand::random();
    (0..count).map(move |index| {
        let header = FragmentHeader {
            frame_id,
            index,
            count,
        };
        let end = frame.len().min((index + 1) * size);
        (header, frame.slice(index * size..end))
    })
}

/// The reassembler of the frames that arrive on one path.
#[derive(Default)]
pub(in crate::backplane) struct Reassembler {
    partial: Vec<PartialFrame>,
}

struct PartialFrame {
    frame_id: u64,
    /// The index of the next fragment.
    next: usize,
    count: usize,
    bytes: BytesMut,
}

impl Reassembler {
    /// Returns the frame that this fragment completes.
    ///
    /// A fragment out of order means that one was lost; its whole frame is dropped.
    pub(in crate::backplane) fn push(
        &mut self,
        header: FragmentHeader,
        fragment: &[u8],
    ) -> Option<Bytes> {
        let mut frame = self.take_partial(header)?;
        // Any client of the broker may send fragments, so their sum is bounded.
        if frame.bytes.len() + fragment.len() > MAX_FRAME_BYTES {
            return None;
        }
        frame.bytes.extend_from_slice(fragment);
        frame.next += 1;
        if frame.next == frame.count {
            return Some(frame.bytes.freeze());
        }
        self.partial.push(frame);
        None
    }

    /// Takes out the fragment's frame, if the fragment is the next one of it.
    fn take_partial(&mut self, header: FragmentHeader) -> Option<PartialFrame> {
        let mut partial = self.partial.iter();
        let known = partial.position(|frame| frame.frame_id == header.frame_id);
        if let Some(at) = known {
            let frame = self.partial.remove(at);
            // Otherwise a fragment was lost. The frame stays removed: it cannot be completed.
            return (frame.next == header.index && frame.count == header.count).then_some(frame);
        }
        // Its sender has died, or the rest of it was lost.
        if self.partial.len() == MAX_PARTIAL_FRAMES {
            self.partial.remove(0);
        }
        (header.index == 0).then(|| PartialFrame {
            frame_id: header.frame_id,
            next: 0,
            count: header.count,
            bytes: BytesMut::new(),
        })
    }
}

impl FragmentHeader {
    /// Parses the text form, or returns `None` for another text.
    pub(in crate::backplane) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let header = Self {
            frame_id: words.next()?.parse().ok()?,
            index: words.next()?.parse().ok()?,
            count: words.next()?.parse().ok()?,
        };
        (words.next().is_none() && header.index < header.count).then_some(header)
    }
}

impl fmt::Display for FragmentHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.frame_id, self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn mixed_fragments_of_two_senders_are_reassembled(
            lengths in (1_usize..5000, 1_usize..5000),
            max_bytes in 70_usize..2000,
            turns in prop::collection::vec(any::<bool>(), 200),
        ) {
            let frames = [lengths.0, lengths.1].map(|length| {
                Bytes::from_iter((0..length).map(|at| at as u8))
            });
            let mut fragments = frames.clone().map(|frame| split(&frame, max_bytes).collect::<Vec<_>>().into_iter());
            let mut reassembler = Reassembler::default();
            let mut whole = [None, None];
            for turn in turns.into_iter().map(usize::from).chain([0; 100]).chain([1; 100]) {
                if let Some((header, fragment)) = fragments[turn].next() {
                    prop_assert!(fragment.len() <= max_bytes);
                    prop_assert_eq!(FragmentHeader::parse(&header.to_string()), Some(header));
                    let complete = reassembler.push(header, &fragment);
                    prop_assert_eq!(complete.is_some(), fragments[turn].len() == 0);
                    whole[turn] = complete.or(whole[turn].take());
                }
            }
            prop_assert_eq!(whole, frames.map(Some));
            prop_assert!(reassembler.partial.is_empty());
        }

        #[test]
        fn random_header_never_panics(header: String) {
            let _ = FragmentHeader::parse(&header);
        }
    }

    #[test]
    fn frame_without_a_fragment_is_dropped_and_later_ones_are_not() {
        let frame = Bytes::from(vec![7; 1000]);
        let mut reassembler = Reassembler::default();
        let mut fragments: Vec<_> = split(&frame, 300).collect();
        fragments.remove(1);
        fragments.extend(split(&frame, 300));
        let push = |(header, fragment): (_, Bytes)| reassembler.push(header, &fragment);
        let whole: Vec<_> = fragments.into_iter().filter_map(push).collect();
        assert_eq!(whole, [frame]);
    }

    #[test]
    fn incomplete_frames_are_bounded_in_number_and_size() {
        let mut reassembler = Reassembler::default();
        for _ in 0..3 * MAX_PARTIAL_FRAMES {
            let frame = Bytes::from(vec![0; 1000]);
            let (header, fragment) = split(&frame, 300).next().unwrap();
            assert!(reassembler.push(header, &fragment).is_none());
        }
        assert_eq!(reassembler.partial.len(), MAX_PARTIAL_FRAMES);
        let endless = Bytes::from(vec![0; MAX_FRAME_BYTES + 1]);
        let mut fragments = split(&endless, 64 * 1024);
        assert!(fragments.all(|(header, fragment)| reassembler.push(header, &fragment).is_none()));
    }
}
