//! Frames that are longer than the server takes, in parts.
//!
//! Each part names its frame by a random number, its place and how many there are.
//! Parts of one frame come in order; those of frames from several senders mix.

use std::fmt;

use async_nats::{HeaderMap, Message};
use bytes::{Bytes, BytesMut};

use crate::backplane::MAX_PAYLOAD_BYTES;

const HEADER: &str = "Highwater-Part";
/// What the header of a part takes of the server's limit.
const HEADER_BYTES: usize = 128;
/// The longest frame that is put together: a payload and what is around it.
const MAX_FRAME_BYTES: usize = MAX_PAYLOAD_BYTES + 64 * 1024;
/// Frames that may be incomplete at once; one more, and the oldest is given up.
const MAX_PARTIAL_FRAMES: usize = 64;

/// Splits a frame that is longer than `max_payload` into messages that are not.
pub(super) fn split(
    frame: &Bytes,
    max_payload: usize,
) -> impl ExactSizeIterator<Item = (HeaderMap, Bytes)> {
    let size = max_payload.saturating_sub(HEADER_BYTES).max(1);
    let of = frame.len().div_ceil(size);
    let number = rand::random();
    (0..of).map(move |place| {
        let mut headers = HeaderMap::new();
        headers.insert(
            HEADER,
            FragmentHeader {
                frame_id: number,
                index: place,
                count: of,
            }
            .to_string(),
        );
        let end = frame.len().min((place + 1) * size);
        (headers, frame.slice(place * size..end))
    })
}

/// Puts parts together again.
#[derive(Default)]
pub(super) struct Reassembler {
    partial: Vec<PartialFrame>,
}

struct PartialFrame {
    frame_id: u64,
    next: usize,
    count: usize,
    bytes: BytesMut,
}

impl Reassembler {
    /// The frame that `message` is, or completes. A part that comes out of turn
    /// means that one was lost: what there is of its frame is lost with it.
    pub(super) fn push(&mut self, message: Message) -> Option<Bytes> {
        match message.headers.as_ref().and_then(|h| h.get(HEADER)) {
            None => Some(message.payload),
            Some(part) => {
                self.push_fragment(FragmentHeader::parse(part.as_str())?, &message.payload)
            }
        }
    }

    fn push_fragment(&mut self, part: FragmentHeader, payload: &[u8]) -> Option<Bytes> {
        let mut frame = self.take_partial(part)?;
        if frame.bytes.len() + payload.len() > MAX_FRAME_BYTES {
            return None;
        }
        frame.bytes.extend_from_slice(payload);
        frame.next += 1;
        if frame.next == frame.count {
            return Some(frame.bytes.freeze());
        }
        self.partial.push(frame);
        None
    }

    /// What there is of the part's frame, if the part is the next of it.
    fn take_partial(&mut self, part: FragmentHeader) -> Option<PartialFrame> {
        let FragmentHeader {
            frame_id: number,
            index: place,
            count: of,
        } = part;
        let known = self.partial.iter().position(|it| it.frame_id == number);
        if let Some(at) = known {
            let frame = self.partial.remove(at);
            return (frame.next == place && frame.count == of).then_some(frame);
        }
        if self.partial.len() == MAX_PARTIAL_FRAMES {
            self.partial.remove(0);
        }
        (place == 0).then(|| PartialFrame {
            frame_id: number,
            next: 0,
            count: of,
            bytes: BytesMut::new(),
        })
    }
}

#[derive(Clone, Copy)]
struct FragmentHeader {
    frame_id: u64,
    index: usize,
    count: usize,
}

impl FragmentHeader {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let part = Self {
            frame_id: words.next()?.parse().ok()?,
            index: words.next()?.parse().ok()?,
            count: words.next()?.parse().ok()?,
        };
        (words.next().is_none() && part.index < part.count).then_some(part)
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
        fn frames_of_two_senders_mix_and_are_whole_again(
            lengths in (1_usize..5000, 1_usize..5000),
            max_payload in 200_usize..2000,
            turns in prop::collection::vec(any::<bool>(), 200),
        ) {
            let frames = [lengths.0, lengths.1].map(|length| {
                Bytes::from_iter((0..length).map(|at| at as u8))
            });
            let mut parts = frames.clone().map(|frame| messages(&frame, max_payload).into_iter());
            let mut assembly = Reassembler::default();
            let mut whole = [None, None];
            for turn in turns.into_iter().map(usize::from).chain([0; 100]).chain([1; 100]) {
                if let Some(part) = parts[turn].next() {
                    prop_assert!(part.payload.len() + HEADER_BYTES <= max_payload);
                    let complete = assembly.push(part);
                    prop_assert_eq!(complete.is_some(), parts[turn].len() == 0);
                    whole[turn] = complete.or(whole[turn].take());
                }
            }
            prop_assert_eq!(whole, frames.map(Some));
            prop_assert!(assembly.partial.is_empty());
        }

        #[test]
        fn noise_is_no_part(noise: String) {
            let _ = FragmentHeader::parse(&noise);
        }
    }

    #[test]
    fn a_frame_that_lacks_a_part_is_lost_alone() {
        let frame = Bytes::from(vec![7; 1000]);
        let mut assembly = Reassembler::default();
        let mut parts = messages(&frame, 300);
        parts.remove(1);
        assert!(parts.into_iter().all(|part| assembly.push(part).is_none()));
        let parts = messages(&frame, 300);
        let whole: Vec<_> = parts.into_iter().filter_map(|p| assembly.push(p)).collect();
        assert_eq!(whole, [frame]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut assembly = Reassembler::default();
        for _ in 0..3 * MAX_PARTIAL_FRAMES {
            let first = messages(&Bytes::from(vec![0; 1000]), 300).swap_remove(0);
            assert!(assembly.push(first).is_none());
        }
        assert_eq!(assembly.partial.len(), MAX_PARTIAL_FRAMES);
        let endless = Bytes::from(vec![0; MAX_FRAME_BYTES + 1]);
        let parts = messages(&endless, 64 * 1024);
        assert!(parts.into_iter().all(|part| assembly.push(part).is_none()));
    }
}
