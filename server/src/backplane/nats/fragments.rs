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
const FRAME_BYTES: usize = MAX_PAYLOAD_BYTES + 64 * 1024;
/// Frames that may be incomplete at once; one more, and the oldest is given up.
const INCOMPLETE: usize = 64;

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
        headers.insert(HEADER, Part { number, place, of }.to_string());
        let end = frame.len().min((place + 1) * size);
        (headers, frame.slice(place * size..end))
    })
}

/// Puts parts together again.
#[derive(Default)]
pub(super) struct Assembly {
    incomplete: Vec<Incomplete>,
}

struct Incomplete {
    number: u64,
    next: usize,
    of: usize,
    bytes: BytesMut,
}

impl Assembly {
    /// The frame that `message` is, or completes. A part that comes out of turn
    /// means that one was lost: what there is of its frame is lost with it.
    pub(super) fn take(&mut self, message: Message) -> Option<Bytes> {
        match message.headers.as_ref().and_then(|h| h.get(HEADER)) {
            None => Some(message.payload),
            Some(part) => self.add(Part::parse(part.as_str())?, &message.payload),
        }
    }

    fn add(&mut self, part: Part, payload: &[u8]) -> Option<Bytes> {
        let mut frame = self.take_incomplete(part)?;
        if frame.bytes.len() + payload.len() > FRAME_BYTES {
            return None;
        }
        frame.bytes.extend_from_slice(payload);
        frame.next += 1;
        if frame.next == frame.of {
            return Some(frame.bytes.freeze());
        }
        self.incomplete.push(frame);
        None
    }

    /// What there is of the part's frame, if the part is the next of it.
    fn take_incomplete(&mut self, part: Part) -> Option<Incomplete> {
        let Part { number, place, of } = part;
        let known = self.incomplete.iter().position(|it| it.number == number);
        if let Some(at) = known {
            let frame = self.incomplete.remove(at);
            return (frame.next == place && frame.of == of).then_some(frame);
        }
        if self.incomplete.len() == INCOMPLETE {
            self.incomplete.remove(0);
        }
        (place == 0).then(|| Incomplete {
            number,
            next: 0,
            of,
            bytes: BytesMut::new(),
        })
    }
}

#[derive(Clone, Copy)]
struct Part {
    number: u64,
    place: usize,
    of: usize,
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let part = Self {
            number: words.next()?.parse().ok()?,
            place: words.next()?.parse().ok()?,
            of: words.next()?.parse().ok()?,
        };
        (words.next().is_none() && part.place < part.of).then_some(part)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.number, self.place, self.of)
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
            let mut assembly = Assembly::default();
            let mut whole = [None, None];
            for turn in turns.into_iter().map(usize::from).chain([0; 100]).chain([1; 100]) {
                if let Some(part) = parts[turn].next() {
                    prop_assert!(part.payload.len() + HEADER_BYTES <= max_payload);
                    let complete = assembly.take(part);
                    prop_assert_eq!(complete.is_some(), parts[turn].len() == 0);
                    whole[turn] = complete.or(whole[turn].take());
                }
            }
            prop_assert_eq!(whole, frames.map(Some));
            prop_assert!(assembly.incomplete.is_empty());
        }

        #[test]
        fn noise_is_no_part(noise: String) {
            let _ = Part::parse(&noise);
        }
    }

    #[test]
    fn a_frame_that_lacks_a_part_is_lost_alone() {
        let frame = Bytes::from(vec![7; 1000]);
        let mut assembly = Assembly::default();
        let mut parts = messages(&frame, 300);
        parts.remove(1);
        assert!(parts.into_iter().all(|part| assembly.take(part).is_none()));
        let parts = messages(&frame, 300);
        let whole: Vec<_> = parts.into_iter().filter_map(|p| assembly.take(p)).collect();
        assert_eq!(whole, [frame]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut assembly = Assembly::default();
        for _ in 0..3 * INCOMPLETE {
            let first = messages(&Bytes::from(vec![0; 1000]), 300).swap_remove(0);
            assert!(assembly.take(first).is_none());
        }
        assert_eq!(assembly.incomplete.len(), INCOMPLETE);
        let endless = Bytes::from(vec![0; FRAME_BYTES + 1]);
        let parts = messages(&endless, 64 * 1024);
        assert!(parts.into_iter().all(|part| assembly.take(part).is_none()));
    }
}
