//! Tests on received packets.

use super::packet::{Packet, PacketKind, next_packet};
use crate::{
    diagnostic::Diagnostic,
    frames::{Template, ValueNames, ValueRef, Values},
    plan::MqttMatch,
};

/// The code of a rejected subscription (MQTT 3.1.1, section 3.9.3).
const SUBSCRIPTION_FAILED: u8 = 0x80;

/// A test on a received packet, compiled.
#[derive(Debug, Clone)]
pub enum MqttTest {
    /// The server has accepted the connection.
    Connack,
    /// The server has accepted the subscription.
    Suback,
    /// The answer to a heartbeat.
    Pingresp,
    /// A message.
    Publish {
        /// The topic; `None` for any.
        topic: Option<Template>,
        /// The payload; `None` for any.
        payload: Option<Template>,
    },
}

impl MqttTest {
    /// Compiles a test.
    ///
    /// # Errors
    ///
    /// Fails for unknown placeholders.
    pub fn compile(spec: &MqttMatch, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        let mut template = |text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| Template::parse(text, names)).transpose()
        };
        Ok(match spec {
            MqttMatch::Connack => Self::Connack,
            MqttMatch::Suback => Self::Suback,
            MqttMatch::Pingresp => Self::Pingresp,
            MqttMatch::Publish { topic, payload } => Self::Publish {
                topic: template(topic)?,
                payload: template(payload)?,
            },
        })
    }

    /// Whether `bytes` are one packet that passes the test.
    pub fn passes(&self, bytes: &[u8], values: &dyn Values) -> bool {
        let Some((packet, [])) = next_packet(bytes) else {
            return false;
        };
        match self {
            // The second byte is the reason of a rejection (section 3.2.2.3).
            Self::Connack => packet.is(PacketKind::Connack) && packet.body().get(1) == Some(&0),
            Self::Suback => packet.is(PacketKind::Suback) && is_accepted(packet.body()),
            Self::Pingresp => packet.is(PacketKind::Pingresp),
            Self::Publish { topic, payload } => message_passes(packet, topic, payload, values),
        }
    }

    /// Whether the test has a place for `value`.
    pub fn has_place_for(&self, value: ValueRef) -> bool {
        match self {
            Self::Publish { topic, payload } => {
                let mut templates = topic.iter().chain(payload);
                templates.any(|template| template.uses(value))
            }
            Self::Connack | Self::Suback | Self::Pingresp => false,
        }
    }

    /// Returns the text in the place of `value` of a message that passes the rest of the test.
    pub fn capture(&self, bytes: &[u8], value: ValueRef, values: &dyn Values) -> Option<String> {
        let Self::Publish { topic, payload } = self else {
            return None;
        };
        let (packet, _) = next_packet(bytes)?;
        let (found_topic, found_payload) = packet.message()?;
        let found_payload = std::str::from_utf8(found_payload).ok()?;
        let parts = [(topic, found_topic), (payload, found_payload)];
        let mut captured = None;
        for (template, text) in parts {
            let Some(template) = template else {
                continue;
            };
            if captured.is_none() && template.uses(value) {
                let (part, rest) = template.capture(text, value, values)?;
                captured = rest.is_empty().then(|| part.to_owned());
                captured.as_ref()?;
            } else if !template.equals(text, values) {
                return None;
            }
        }
        captured
    }
}

/// Whether a SUBACK accepts its subscription: the code stands behind the number.
fn is_accepted(body: &[u8]) -> bool {
    body.get(2).is_some_and(|code| *code != SUBSCRIPTION_FAILED)
}

fn message_passes(
    packet: Packet<'_>,
    topic: &Option<Template>,
    payload: &Option<Template>,
    values: &dyn Values,
) -> bool {
    let Some((found_topic, found_payload)) = packet.message() else {
        return false;
    };
    let passes = |template: &Option<Template>, text: Option<&str>| match template {
        Some(template) => text.is_some_and(|text| template.equals(text, values)),
        None => true,
    };
    passes(topic, Some(found_topic)) && passes(payload, std::str::from_utf8(found_payload).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Values for Sample {
        fn append(&self, value: ValueRef, out: &mut String) {
            if value == ValueRef::Device {
                out.push_str("d7");
            }
        }
    }

    fn test(spec: &MqttMatch) -> MqttTest {
        MqttTest::compile(spec, &mut ValueNames::default()).unwrap()
    }

    #[test]
    fn rejections_are_no_answers() {
        for (spec, bytes, passes) in [
            (MqttMatch::Connack, &[0x20, 2, 0, 0][..], true),
            (MqttMatch::Connack, &[0x20, 2, 0, 5], false),
            (MqttMatch::Connack, &[0x20, 0], false),
            (MqttMatch::Suback, &[0x90, 3, 0, 1, 0], true),
            (MqttMatch::Suback, &[0x90, 3, 0, 1, 0x80], false),
            (MqttMatch::Pingresp, &[0xd0, 0], true),
            (MqttMatch::Pingresp, &[0xd0], false),
            (MqttMatch::Pingresp, &[0x20, 2, 0, 0], false),
        ] {
            assert_eq!(
                test(&spec).passes(bytes, &Sample),
                passes,
                "{spec:?} {bytes:?}"
            );
        }
    }

    #[test]
    fn message_is_tested_by_topic_and_payload() {
        let message = b"\x30\x08\x00\x02d7n=42";
        let publish = |topic: Option<&str>, payload: Option<&str>| {
            test(&MqttMatch::Publish {
                topic: topic.map(str::to_owned),
                payload: payload.map(str::to_owned),
            })
        };
        assert!(publish(None, None).passes(message, &Sample));
        assert!(publish(Some("{device}"), Some("n=42")).passes(message, &Sample));
        assert!(!publish(Some("d8"), None).passes(message, &Sample));
        assert!(!publish(None, Some("n=4")).passes(message, &Sample));

        let reply = publish(Some("{device}"), Some("n={nonce}"));
        assert!(reply.has_place_for(ValueRef::Nonce) && !reply.has_place_for(ValueRef::Ref));
        let captured = reply.capture(message, ValueRef::Nonce, &Sample);
        assert_eq!(captured.as_deref(), Some("42"));
        let other = publish(Some("d8"), Some("n={nonce}"));
        assert_eq!(other.capture(message, ValueRef::Nonce, &Sample), None);
    }
}
