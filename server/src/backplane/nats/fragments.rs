//! Frames that are longer than the server accepts, in fragments.
//!
//! A header in each fragment names its frame by a random number, its index and the count.
//! The fragments of one frame arrive in order, but those of several senders mix.

use async_nats::{HeaderMap, Message};
use bytes::{Bytes, BytesMut};

use crate::backplane::MAX_PAYLOAD_BYTES;

/// The name of the header.
const HEADER: &str = "Highwater-Part";
/// The bytes of the server's limit that are reserved for the header.
const HEADER_BYTES: usize = 128;
/// The longest frame that is reassembled: the largest payload and its headers.
const MAX_FRAME_BYTES: usize = MAX_PAYLOAD_BYTES + 64 * 1024;
/// The frames that may be incomplete at once, about 70 MiB. Beyond them, the oldest is
/// dropped.
const MAX_PARTIAL_FRAMES: usize = 64;

/// Splits a frame into messages that are not longer than `max_payload`.
pub(super) fn split(
    frame: &Bytes,
    max_payload: usize,
) -> impl ExactSizeIterator<Item = (HeaderMap, Bytes)> {
    let size = max_payload.saturating_sub(HEADER_BYTES).max(1);
    let count = frame.len().div_ceil(size);
    let frame_id: u64 = rand::random();
    (0..count).map(move |index| {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, format!("{frame_id} {index} {count}"));
        let end = frame.len().min((index + 1) * size);
        (headers, frame.slice(index * size..end))
    })
}

/// The reassembler of one subscription's frames.
#[derive(Default)]
pub(super) struct Reassembler {
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
    /// Returns the frame that `message` is or completes.
    ///
    /// A fragment out of order means that one was lost; its whole frame is dropped.
    pub(super) fn push(&mut self, message: Message) -> Option<Bytes> {
        let headers = message.headers.as_ref();
        let Some(header) = headers.and_then(|headers| headers.get(HEADER)) else {
            return Some(message.payload);
        };
        let mut frame = self.take_partial(FragmentHeader::parse(header.as_str())?)?;
        // Any client of the server may send fragments, so their sum is bounded.
        if frame.bytes.len() + message.payload.len() > MAX_FRAME_BYTES {
            return None;
        }
        frame.bytes.extend_from_slice(&message.payload);
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

/// The header of a fragment, in its text form `FRAME INDEX COUNT`.
struct FragmentHeader {
    frame_id: u64,
    index: usize,
    count: usize,
}

impl FragmentHeader {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let header = Self {
            frame_id: words.next()?.parse().ok()?,
            index: words.next()?.parse().ok()?,
            count: words.next()?.parse().ok()?,
        };
        (words.next().is_none() && header.index < header.count).then_some(header)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message((headers, payload): (HeaderMap, Bytes)) -> Message {
        Message {
            subject: "s".into(),
            reply: None,
            payload,
            headers: Some(headers),
            status: None,
            description: None,
            length: 0,
        }
    }

    fn messages(frame: &Bytes, max_payload: usize) -> Vec<Message> {
        split(frame, max_payload).map(message).collect()
    }

    proptest! {
        #[test]
        fn mixed_fragments_of_two_senders_are_reassembled(
            lengths in (1_usize..5000, 1_usize..5000),
            max_payload in 200_usize..2000,
            turns in prop::collection::vec(any::<bool>(), 200),
        ) {
            let frames = [lengths.0, lengths.1].map(|length| {
                Bytes::from_iter((0..length).map(|at| at as u8))
            });
            let mut fragments = frames.clone().map(|frame| messages(&frame, max_payload).into_iter());
            let mut reassembler = Reassembler::default();
            let mut whole = [None, None];
            for turn in turns.into_iter().map(usize::from).chain([0; 100]).chain([1; 100]) {
                if let Some(fragment) = fragments[turn].next() {
                    prop_assert!(fragment.payload.len() + HEADER_BYTES <= max_payload);
                    let complete = reassembler.push(fragment);
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
        let mut fragments = messages(&frame, 300);
        fragments.remove(1);
        fragments.extend(messages(&frame, 300));
        let push = |fragment| reassembler.push(fragment);
        let whole: Vec<_> = fragments.into_iter().filter_map(push).collect();
        assert_eq!(whole, [frame]);
    }

    #[test]
    fn incomplete_frames_are_bounded_in_number_and_size() {
        let mut reassembler = Reassembler::default();
        for _ in 0..3 * MAX_PARTIAL_FRAMES {
            let first = messages(&Bytes::from(vec![0; 1000]), 300).swap_remove(0);
            assert!(reassembler.push(first).is_none());
        }
        assert_eq!(reassembler.partial.len(), MAX_PARTIAL_FRAMES);
        let endless = Bytes::from(vec![0; MAX_FRAME_BYTES + 1]);
        let mut fragments = messages(&endless, 64 * 1024).into_iter();
        assert!(fragments.all(|fragment| reassembler.push(fragment).is_none()));
    }
}
