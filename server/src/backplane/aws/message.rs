//! The messages in topics and queues: frames with a recipient and an id.
//!
//! A message carries as many frames to one recipient as fit, because the provider bills
//! messages and limits their number. A frame that does not fit travels in fragments.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    backplane::remote::{
        Destination, OutboundFrame,
        fragments::{self, FragmentHeader},
    },
    id::Topic,
};

use super::names::inbox_id;

/// The attribute with the recipient.
pub(super) const TO: &str = "to";
/// The attribute with the message's id.
pub(super) const ID: &str = "id";
/// The attribute of a fragment, with its header.
pub(super) const PART: &str = "part";

/// The longest content. As Base64 and with its attributes, it is below the 256 KiB of SNS.
const MAX_CONTENT_BYTES: usize = 180 * 1024;
/// The bytes of a frame's length before the frame.
const LENGTH_BYTES: usize = 4;

/// The recipient of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recipient {
    /// The node with this id of an inbox.
    Inbox(String),
    /// The nodes that subscribe to the topic.
    Topic(Topic),
    /// Every node.
    Everyone,
}

/// The path of a message. Messages of one sender keep their order on one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum MessagePath {
    /// Straight to the queue of one node.
    Queue,
    /// Through the cluster's topic.
    Topic,
    /// Through the table of actions and its stream.
    Stream,
}

/// The id of a message, by which a receiver recognises one that comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MessageId {
    /// The id of the sender's inbox.
    pub(super) sender: String,
    pub(super) path: MessagePath,
    /// The number of the message, which grows.
    pub(super) number: u64,
}

/// A message before it has an id.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) recipient: Recipient,
    pub(super) fragment: Option<FragmentHeader>,
    /// Frames with their lengths, or one fragment.
    pub(super) content: BytesMut,
}

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) recipient: Recipient,
    pub(super) id: MessageId,
    pub(super) fragment: Option<FragmentHeader>,
    pub(super) content: Bytes,
}

impl Message {
    /// Returns the names and values of the attributes.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&'static str, String)> {
        let part = self.fragment.map(|header| (PART, header.to_string()));
        let always = [(TO, self.recipient.to_string()), (ID, self.id.to_string())];
        always.into_iter().chain(part)
    }

    /// Returns the content as text: bodies must be text.
    pub(super) fn body(&self) -> String {
        BASE64.encode(&self.content)
    }

    /// Reads a message, or returns `None` for one of another program.
    pub(super) fn parse<'a>(
        attribute: impl Fn(&str) -> Option<&'a str>,
        body: &str,
    ) -> Option<Self> {
        let content = BASE64.decode(body).ok()?.into();
        Self::from_parts(attribute(TO)?, attribute(ID)?, attribute(PART), content)
    }

    /// Makes a message of the values of its attributes, or returns `None` if one is invalid.
    pub(super) fn from_parts(
        to: &str,
        id: &str,
        part: Option<&str>,
        content: Bytes,
    ) -> Option<Self> {
        let fragment = match part {
            Some(header) => Some(FragmentHeader::parse(header)?),
            None => None,
        };
        Some(Self {
            recipient: Recipient::parse(to)?,
            id: MessageId::parse(id)?,
            fragment,
            content,
        })
    }
}

/// Packs frames into as few messages as possible. Frames to one recipient keep their order.
pub(super) fn pack(frames: Vec<OutboundFrame>) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for OutboundFrame { to, frame } in frames {
        let recipient = Recipient::from(to);
        if frame.len() + LENGTH_BYTES > MAX_CONTENT_BYTES {
            let fragments = fragments::split(&frame, MAX_CONTENT_BYTES);
            drafts.extend(fragments.map(|(header, fragment)| Draft {
                recipient: recipient.clone(),
                fragment: Some(header),
                content: fragment.into(),
            }));
            continue;
        }
        // The last message to the recipient: an earlier one would overtake it.
        let last = drafts
            .iter_mut()
            .rfind(|draft| draft.recipient == recipient);
        match last {
            Some(draft) if draft.has_room_for(&frame) => draft.append(&frame),
            _ => {
                let mut draft = Draft {
                    recipient,
                    fragment: None,
                    content: BytesMut::new(),
                };
                draft.append(&frame);
                drafts.push(draft);
            }
        }
    }
    drafts
}

/// Returns the frames in a content that is not a fragment. A length that is too great ends them.
pub(super) fn unpack(mut content: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let length = content.first_chunk::<LENGTH_BYTES>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let end = LENGTH_BYTES.checked_add(length)?;
        if content.len() < end {
            return None;
        }
        let frame = content.split_to(end);
        Some(frame.slice(LENGTH_BYTES..))
    })
}

impl Draft {
    fn has_room_for(&self, frame: &Bytes) -> bool {
        self.fragment.is_none()
            && self.content.len() + LENGTH_BYTES + frame.len() <= MAX_CONTENT_BYTES
    }

    fn append(&mut self, frame: &Bytes) {
        // A frame is far shorter than 4 GiB: it fits into a message.
        self.content.put_u32(frame.len() as u32);
        self.content.extend_from_slice(frame);
    }

    pub(super) fn into_message(self, id: MessageId) -> Message {
        Message {
            recipient: self.recipient,
            id,
            fragment: self.fragment,
            content: self.content.freeze(),
        }
    }
}

impl Recipient {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "everyone" => Some(Self::Everyone),
            Some(("inbox", id)) => Some(Self::Inbox(id.to_owned())),
            Some(("topic", topic)) => Some(Self::Topic(topic.parse().ok()?)),
            _ => None,
        }
    }
}

impl From<Destination> for Recipient {
    fn from(to: Destination) -> Self {
        match to {
            Destination::Inbox(inbox) => Self::Inbox(inbox_id(&inbox)),
            Destination::Topic(topic) => Self::Topic(topic),
            Destination::Everyone => Self::Everyone,
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inbox(id) => write!(f, "inbox:{id}"),
            Self::Topic(topic) => write!(f, "topic:{topic}"),
            Self::Everyone => f.write_str("everyone"),
        }
    }
}

impl MessagePath {
    fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Topic => "topic",
            Self::Stream => "stream",
        }
    }
}

impl MessageId {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split('-');
        let sender = words.next().filter(|sender| !sender.is_empty())?.to_owned();
        let path = words.next()?;
        let paths = [MessagePath::Queue, MessagePath::Topic, MessagePath::Stream];
        let id = Self {
            sender,
            path: paths.into_iter().find(|known| known.word() == path)?,
            number: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(id)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.sender, self.path.word(), self.number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::backplane::remote::fragments::Reassembler;

    fn frame(topic: &str, frame: impl Into<Bytes>) -> OutboundFrame {
        OutboundFrame {
            to: Destination::Topic(topic.parse().unwrap()),
            frame: frame.into(),
        }
    }

    /// Sends drafts as a transport does, and returns the frames of a topic.
    fn through(drafts: Vec<Draft>, topic: &str) -> Vec<Bytes> {
        let mut reassembler = Reassembler::default();
        let mut frames = Vec::new();
        for (number, draft) in drafts.into_iter().enumerate() {
            let id = MessageId {
                sender: "a0".to_owned(),
                path: MessagePath::Topic,
                number: number as u64,
            };
            let sent = draft.into_message(id.clone());
            let attributes: Vec<_> = sent.attributes().collect();
            let attribute = |name: &str| {
                let found = attributes.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.as_str())
            };
            let body = sent.body();
            assert!(body.len() < 250 * 1024, "{}", body.len());
            let read = Message::parse(attribute, &body).unwrap();
            assert_eq!(read.id, id);
            if read.recipient != Recipient::Topic(topic.parse().unwrap()) {
                continue;
            }
            match read.fragment {
                Some(header) => frames.extend(reassembler.push(header, &read.content)),
                None => frames.extend(unpack(read.content)),
            }
        }
        frames
    }

    #[test]
    fn frames_of_a_recipient_share_messages_and_keep_their_order() {
        let small = |number: usize| frame("a", format!("{number}"));
        let mut frames: Vec<_> = (0..100).map(small).collect();
        frames.insert(50, frame("b", "other"));
        frames.insert(70, frame("a", vec![1; 500 * 1024]));
        let drafts = pack(frames);
        // One for `a`, one for `b`, three fragments, and one for what follows them.
        assert_eq!(drafts.len(), 6);
        let found = through(drafts, "a");
        assert_eq!(found.len(), 101);
        assert_eq!(found[69].len(), 500 * 1024);
        let numbers = found.iter().filter(|frame| frame.len() < 9);
        let expected: Vec<Bytes> = (0..100).map(|number| format!("{number}").into()).collect();
        assert!(numbers.eq(&expected));
    }

    proptest! {
        #[test]
        fn packed_frames_are_unpacked_unchanged(
            lengths in prop::collection::vec(0_usize..100_000, 0..8),
        ) {
            let frames: Vec<Bytes> = lengths.iter().map(|length| vec![7; *length].into()).collect();
            let outbound = frames.iter().map(|content| frame("t", content.clone()));
            prop_assert_eq!(through(pack(outbound.collect()), "t"), frames);
        }

        #[test]
        fn random_message_never_panics(to: String, id: String, part: String, body: String, content: Vec<u8>) {
            let attribute = |name: &str| Some(match name { TO => &*to, ID => &*id, _ => &*part });
            let _ = Message::parse(attribute, &body);
            let _ = unpack(content.into()).count();
        }
    }
}
