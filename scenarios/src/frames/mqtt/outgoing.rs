//! Packets to send, with placeholders.

use super::packet::PacketKind;
use crate::{
    diagnostic::Diagnostic,
    frames::{Template, ValueNames, ValueRef, Values},
    plan::MqttFrame,
};

/// Name and level of the protocol (MQTT 3.1.1, sections 3.1.2.1 and 3.1.2.2).
const PROTOCOL: &[u8] = b"\x00\x04MQTT\x04";
/// The flags of a CONNECT (section 3.1.2.3).
const CLEAN_SESSION: u8 = 0x02;
const HAS_PASSWORD: u8 = 0x40;
const HAS_USERNAME: u8 = 0x80;
/// The flags of a SUBSCRIBE (section 3.8.1).
const SUBSCRIBE_FLAGS: u8 = 0x02;
/// The number of the only subscription.
const SUBSCRIPTION_ID: u16 = 1;

/// A packet to send, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MqttTemplate {
    /// The request to connect.
    Connect(Box<ConnectTemplate>),
    /// The request for a subscription, without answers to its messages.
    Subscribe(Template),
    /// A message, without an answer.
    Publish {
        /// The topic.
        topic: Template,
        /// The payload.
        payload: Template,
    },
    /// The heartbeat.
    Pingreq,
    /// The end of the session.
    Disconnect,
}

/// The request to connect, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTemplate {
    client: Template,
    username: Template,
    password: Template,
    keep_alive_s: u16,
}

impl MqttTemplate {
    /// Compiles a packet.
    ///
    /// # Errors
    ///
    /// Fails for unknown placeholders.
    pub fn compile(spec: &MqttFrame, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        Ok(match spec {
            MqttFrame::Connect {
                client,
                username,
                password,
                keep_alive,
            } => Self::Connect(Box::new(ConnectTemplate {
                client: Template::parse(client, names)?,
                username: Template::parse(username, names)?,
                password: Template::parse(password, names)?,
                // The form of the key allows no more.
                keep_alive_s: u16::try_from(keep_alive.as_secs()).unwrap_or(u16::MAX),
            })),
            MqttFrame::Subscribe { topic } => Self::Subscribe(Template::parse(topic, names)?),
            MqttFrame::Publish { topic, payload } => Self::Publish {
                topic: Template::parse(topic, names)?,
                payload: Template::parse(payload, names)?,
            },
            MqttFrame::Pingreq => Self::Pingreq,
            MqttFrame::Disconnect => Self::Disconnect,
        })
    }

    /// Whether the packet has a placeholder for `value`.
    pub fn uses(&self, value: ValueRef) -> bool {
        match self {
            Self::Connect(connect) => [&connect.client, &connect.username, &connect.password]
                .iter()
                .any(|template| template.uses(value)),
            Self::Subscribe(topic) => topic.uses(value),
            Self::Publish { topic, payload } => topic.uses(value) || payload.uses(value),
            Self::Pingreq | Self::Disconnect => false,
        }
    }

    /// Appends the packet with its values to `out`.
    pub fn render(&self, values: &dyn Values, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        let (kind, flags) = match self {
            Self::Connect(connect) => {
                connect.render(values, &mut body);
                (PacketKind::Connect, 0)
            }
            Self::Subscribe(topic) => {
                body.extend(SUBSCRIPTION_ID.to_be_bytes());
                push_text(topic, values, &mut body);
                // Its messages want no answers.
                body.push(0);
                (PacketKind::Subscribe, SUBSCRIBE_FLAGS)
            }
            Self::Publish { topic, payload } => {
                push_text(topic, values, &mut body);
                body.extend(rendered(payload, values).as_bytes());
                (PacketKind::Publish, 0)
            }
            Self::Pingreq => (PacketKind::Pingreq, 0),
            Self::Disconnect => (PacketKind::Disconnect, 0),
        };
        out.push((kind as u8) << 4 | flags);
        push_length(body.len(), out);
        out.extend(body);
    }
}

impl ConnectTemplate {
    /// Appends the body: variable header and payload (sections 3.1.2 and 3.1.3).
    fn render(&self, values: &dyn Values, body: &mut Vec<u8>) {
        let username = rendered(&self.username, values);
        let password = rendered(&self.password, values);
        let mut flags = CLEAN_SESSION;
        if !username.is_empty() {
            flags |= HAS_USERNAME;
            // A password without a name is not allowed (section 3.1.2.9).
            flags |= if password.is_empty() { 0 } else { HAS_PASSWORD };
        }
        body.extend(PROTOCOL);
        body.push(flags);
        body.extend(self.keep_alive_s.to_be_bytes());
        push_text(&self.client, values, body);
        if flags & HAS_USERNAME != 0 {
            push_str(&username, body);
        }
        if flags & HAS_PASSWORD != 0 {
            push_str(&password, body);
        }
    }
}

fn rendered(template: &Template, values: &dyn Values) -> String {
    let mut text = String::new();
    template.render(values, &mut text);
    text
}

fn push_text(template: &Template, values: &dyn Values, out: &mut Vec<u8>) {
    push_str(&rendered(template, values), out);
}

/// Appends a text with its length (section 1.5.3), cut where the length ends.
fn push_str(text: &str, out: &mut Vec<u8>) {
    let text = &text[..text.floor_char_boundary(u16::MAX.into())];
    out.extend((text.len() as u16).to_be_bytes());
    out.extend(text.as_bytes());
}

/// Appends a length: seven bits in each byte, the lowest first.
fn push_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let byte = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Sample;

    impl Values for Sample {
        fn append(&self, value: ValueRef, out: &mut String) {
            if value == ValueRef::Device {
                out.push_str("d7");
            }
        }
    }

    fn bytes(spec: &MqttFrame) -> Vec<u8> {
        let template = MqttTemplate::compile(spec, &mut ValueNames::default()).unwrap();
        let mut out = Vec::new();
        template.render(&Sample, &mut out);
        out
    }

    fn connect(username: &str, password: &str) -> MqttFrame {
        MqttFrame::Connect {
            client: "{device}".to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
            keep_alive: Duration::from_secs(60),
        }
    }

    #[test]
    fn connect_names_user_and_password_where_they_are_written() {
        assert_eq!(
            bytes(&connect("", "ignored")),
            b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02d7"
        );
        assert_eq!(
            bytes(&connect("u", "")),
            b"\x10\x11\x00\x04MQTT\x04\x82\x00\x3c\x00\x02d7\x00\x01u"
        );
        assert_eq!(
            bytes(&connect("u", "pw")),
            b"\x10\x15\x00\x04MQTT\x04\xc2\x00\x3c\x00\x02d7\x00\x01u\x00\x02pw"
        );
    }

    #[test]
    fn other_packets_have_their_lengths() {
        let topic = "t/{device}".to_owned();
        let subscribe = MqttFrame::Subscribe {
            topic: topic.clone(),
        };
        assert_eq!(bytes(&subscribe), b"\x82\x09\x00\x01\x00\x04t/d7\x00");
        let payload = "x".repeat(200);
        let publish = bytes(&MqttFrame::Publish { topic, payload });
        // 206 bytes follow the length.
        assert_eq!(publish[..9], *b"\x30\xce\x01\x00\x04t/d7");
        assert_eq!(publish.len(), 3 + 206);
        assert_eq!(bytes(&MqttFrame::Pingreq), [0xc0, 0]);
        assert_eq!(bytes(&MqttFrame::Disconnect), [0xe0, 0]);
    }
}
