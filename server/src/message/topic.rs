//! A message of a topic.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{decode, encode};
use crate::id::Topic;

/// The first byte of a payload with headers. No JSON text begins with it.
const WITH_HEADERS: u8 = 0;

/// A message that was published to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicMessage {
    pub(crate) topic: Topic,
    /// The headers that its publisher set; only STOMP has any.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// Whether the body is JSON. Devices get JSON only.
    is_json: bool,
}

impl TopicMessage {
    /// Returns a message whose body is JSON text.
    pub(crate) fn from_json(topic: Topic, body: &str) -> Self {
        Self {
            topic,
            headers: Vec::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            is_json: true,
        }
    }

    /// Returns a message with any body.
    pub(crate) fn new(topic: Topic, headers: Vec<(String, String)>, body: Bytes) -> Self {
        Self {
            topic,
            headers,
            is_json: is_json(&body),
            body,
        }
    }

    /// Returns the body as JSON text.
    pub(crate) fn json(&self) -> Option<&str> {
        let text = self.is_json.then(|| std::str::from_utf8(&self.body));
        text.and_then(Result::ok)
    }

    /// Returns the bytes for other nodes: the JSON text alone, or headers and body.
    pub(crate) fn to_payload(&self) -> Bytes {
        if self.headers.is_empty() && self.is_json {
            return self.body.clone();
        }
        let mut payload = vec![WITH_HEADERS];
        payload.extend_from_slice(&encode(&(&self.headers, &self.body[..])));
        payload.into()
    }

    /// Reads the bytes of another node; `None` if they are not a message.
    pub(crate) fn from_payload(topic: Topic, payload: &Bytes) -> Option<Self> {
        let Some((&WITH_HEADERS, content)) = payload.split_first() else {
            let message = Self::new(topic, Vec::new(), payload.clone());
            return message.is_json.then_some(message);
        };
        let (headers, body): (Vec<(String, String)>, Vec<u8>) = decode(content)?;
        Some(Self::new(topic, headers, body.into()))
    }

    /// Returns the bytes that the message takes.
    pub(crate) fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        headers + self.body.len()
    }
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &TopicMessage) {
        let payload = message.to_payload();
        let again = TopicMessage::from_payload(message.topic.clone(), &payload);
        assert_eq!(again.as_ref(), Some(message));
    }

    #[test]
    fn message_is_read_as_it_is_written() {
        let topic: Topic = "news".parse().unwrap();
        let json = TopicMessage::from_json(topic.clone(), r#"{"n":1}"#);
        assert_eq!(json.to_payload(), r#"{"n":1}"#);
        check(&json);
        let headers = vec![("a".to_owned(), "b".to_owned())];
        for body in ["1", "text", ""] {
            let body = Bytes::from_static(body.as_bytes());
            check(&TopicMessage::new(
                topic.clone(),
                headers.clone(),
                body.clone(),
            ));
            check(&TopicMessage::new(topic.clone(), Vec::new(), body));
        }
        let none = TopicMessage::from_payload(topic.clone(), &Bytes::from_static(b"text"));
        assert_eq!(none, None);
        let cut = TopicMessage::from_payload(topic, &Bytes::from_static(b"\0\x05"));
        assert_eq!(cut, None);
    }
}
