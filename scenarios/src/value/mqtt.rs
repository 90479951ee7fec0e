//! Packets of MQTT: the key `mqtt` names the packet, and the keys beside it its parts.

use std::time::Duration;

use highwater_types::duration::SECOND;

use super::{Accepts, ValueType, quantity::duration};
use crate::{
    diagnostic::Diagnostic,
    plan::{MqttFrame, MqttMatch},
    suggest,
    tree::{TomlTable, TomlValue},
};

/// The key that names the packet.
pub(super) const MQTT_KEY: &str = "mqtt";

/// The packets that a socket sends.
const SENT: [&str; 5] = ["connect", "subscribe", "publish", "pingreq", "disconnect"];
/// The packets that a socket waits for.
const EXPECTED: [&str; 4] = ["connack", "suback", "pingresp", "publish"];

/// The keep-alive time of a CONNECT that writes none.
const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(60);
/// The longest keep-alive time of the protocol (MQTT 3.1.1, section 3.1.2.10).
const MAX_KEEP_ALIVE: Duration = Duration::from_secs(u16::MAX as u64);

/// Reads a packet to send.
pub(super) fn read_frame(table: &TomlTable) -> Result<MqttFrame, Diagnostic> {
    let packet = PacketTable::new(table, &SENT)?;
    match packet.name {
        "connect" => {
            packet.check_keys(&["client", "username", "password", "keep_alive"])?;
            Ok(MqttFrame::Connect {
                client: packet.required("client")?,
                username: packet.text("username")?.unwrap_or_default(),
                password: packet.text("password")?.unwrap_or_default(),
                keep_alive: packet.keep_alive()?,
            })
        }
        "subscribe" => {
            packet.check_keys(&["topic"])?;
            Ok(MqttFrame::Subscribe {
                topic: packet.required("topic")?,
            })
        }
        "publish" => {
            packet.check_keys(&["topic", "payload"])?;
            Ok(MqttFrame::Publish {
                topic: packet.required("topic")?,
                payload: packet.text("payload")?.unwrap_or_default(),
            })
        }
        "pingreq" => packet.check_keys(&[]).map(|()| MqttFrame::Pingreq),
        _ => packet.check_keys(&[]).map(|()| MqttFrame::Disconnect),
    }
}

/// Reads a test on received packets.
pub(super) fn read_match(table: &TomlTable) -> Result<MqttMatch, Diagnostic> {
    let packet = PacketTable::new(table, &EXPECTED)?;
    match packet.name {
        "publish" => {
            packet.check_keys(&["topic", "payload"])?;
            Ok(MqttMatch::Publish {
                topic: packet.text("topic")?,
                payload: packet.text("payload")?,
            })
        }
        "connack" => packet.check_keys(&[]).map(|()| MqttMatch::Connack),
        "suback" => packet.check_keys(&[]).map(|()| MqttMatch::Suback),
        _ => packet.check_keys(&[]).map(|()| MqttMatch::Pingresp),
    }
}

/// A table that names a packet.
struct PacketTable<'t> {
    name: &'t str,
    table: &'t TomlTable,
}

impl<'t> PacketTable<'t> {
    fn new(table: &'t TomlTable, names: &'static [&'static str]) -> Result<Self, Diagnostic> {
        let name = match table.get(MQTT_KEY).map(|item| &item.value) {
            Some(TomlValue::Text(name)) => name.as_str(),
            _ => {
                return Err(Diagnostic::new(format!(
                    "`{MQTT_KEY}` is not text in quotes"
                )));
            }
        };
        let known = || names.iter().copied();
        match names.contains(&name) {
            true => Ok(Self { name, table }),
            false => Err(
                Diagnostic::new(format!("no packet `{}` here", name.escape_debug()))
                    .expected(suggest::quoted_list(known()))
                    .maybe_hint(suggest::did_you_mean(name, known())),
            ),
        }
    }

    fn check_keys(&self, keys: &[&str]) -> Result<(), Diagnostic> {
        let mut entries = self.table.entries();
        let unknown =
            entries.find(|entry| entry.key != MQTT_KEY && !keys.contains(&entry.key.as_str()));
        match unknown {
            None => Ok(()),
            Some(entry) => {
                let key = entry.key.escape_debug();
                let message = format!("the packet {} has no part `{key}`", self.name);
                let hint = suggest::did_you_mean(&entry.key, keys.iter().copied());
                Err(Diagnostic::new(message).maybe_hint(hint))
            }
        }
    }

    fn text(&self, key: &str) -> Result<Option<String>, Diagnostic> {
        match self.table.get(key).map(|item| &item.value) {
            None => Ok(None),
            Some(TomlValue::Text(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Diagnostic::new(format!("`{key}` is not text in quotes"))),
        }
    }

    fn required(&self, key: &str) -> Result<String, Diagnostic> {
        let missing = || Diagnostic::new(format!("the packet {} lacks `{key}`", self.name));
        self.text(key)?.ok_or_else(missing)
    }

    fn keep_alive(&self) -> Result<Duration, Diagnostic> {
        let Some(item) = self.table.get("keep_alive") else {
            return Ok(DEFAULT_KEEP_ALIVE);
        };
        let form = duration(SECOND, MAX_KEEP_ALIVE);
        form.read(item).map_err(|problem| {
            Diagnostic::new(format!("{} as `keep_alive`", problem.message))
                .expected(form.expected())
                .maybe_hint(problem.hint)
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::{diagnostic::SourceSpan, tree};

    fn frame(text: &str) -> Result<MqttFrame, String> {
        let item = tree::parse_value(text, &SourceSpan::FILE);
        read_frame(item.as_table().unwrap()).map_err(|diagnostic| diagnostic.to_string())
    }

    #[test]
    fn parts_of_a_packet_are_read_or_have_their_defaults() {
        assert_eq!(
            frame(r#"{ mqtt = "connect", client = "{device}" }"#),
            Ok(MqttFrame::Connect {
                client: "{device}".to_owned(),
                username: String::new(),
                password: String::new(),
                keep_alive: Duration::from_secs(60),
            })
        );
        assert_eq!(frame(r#"{ mqtt = "pingreq" }"#), Ok(MqttFrame::Pingreq));
    }

    #[test]
    fn problem_names_the_packet_and_its_part() {
        let problems = [
            r#"{ mqtt = 1 }"#,
            r#"{ mqtt = "conect" }"#,
            r#"{ mqtt = "connect" }"#,
            r#"{ mqtt = "connect", client = "a", keep_alive = "1ms" }"#,
            r#"{ mqtt = "connect", client = "a", user_name = "b" }"#,
            r#"{ mqtt = "pingreq", topic = "a" }"#,
            r#"{ mqtt = "publish", topic = 1 }"#,
        ]
        .map(|text| frame(text).unwrap_err());
        expect![[r#"
            `mqtt` is not text in quotes
            no packet `conect` here; expected `connect`, `subscribe`, `publish`, `pingreq`, `disconnect` (did you mean `connect`?)
            the packet connect lacks `client`
            too short as `keep_alive`; expected a duration with its unit (ms, s, m, h, d), from "1s" to "65535s"
            the packet connect has no part `user_name` (did you mean `username`?)
            the packet pingreq has no part `topic`
            `topic` is not text in quotes"#]].assert_eq(&problems.join("\n"));
    }
}
