//! The destinations of the simple broker.
//!
//! | destination | subscribe | send |
//! |---|---|---|
//! | `/topic/NAME` | every message of the topic | to every subscriber |
//! | `/queue/NAME` | some messages of the queue | to one subscriber |
//! | `/user/queue/NAME`, `/user/topic/NAME` | the messages to this user | – |
//! | `/user/USER/queue/NAME`, `/user/USER/topic/NAME` | – | to every session of the user |
//! | `/app/devices/ID/commands/NAME` | – | a command to a device |
//! | `/app/devices/ID/telemetry/RECORD` | – | a telemetry record of a device |

use std::{borrow::Cow, fmt::Write};

use highwater_stomp::header;
use percent_encoding::percent_decode_str;
use ring::digest::{SHA256, digest};

use super::error::StompError;
use crate::id::{DeviceId, TelemetryId, Topic};

/// The longest name of a queue and the longest rest of a user's destination.
const MAX_NAME_BYTES: usize = 128;
/// The longest name of a user.
pub(super) const MAX_USER_BYTES: usize = 256;

/// A destination that messages come from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    Topic(Topic),
    Queue(String),
}

/// A destination that messages go to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Topic(Topic),
    Queue(String),
    App(AppRequest),
}

/// A request to the node itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AppRequest {
    Command { device: DeviceId, name: String },
    Telemetry { device: DeviceId, id: TelemetryId },
}

impl Source {
    /// Parses the destination of a SUBSCRIBE of `user`.
    pub(super) fn parse(text: &str, user: &str) -> Result<Self, StompError> {
        if let Some(name) = text.strip_prefix("/topic/") {
            return topic(text, name).map(Self::Topic);
        }
        if let Some(name) = text.strip_prefix("/queue/") {
            return queue(text, name).map(Self::Queue);
        }
        if let Some(rest) = text.strip_prefix("/user/")
            && is_user_rest(rest)
        {
            return user_topic(text, user, rest).map(Self::Topic);
        }
        let expected = "/topic/NAME, /queue/NAME, /user/queue/NAME or /user/topic/NAME";
        Err(invalid(text, expected))
    }
}

impl Target {
    /// Parses the destination of a SEND.
    pub(super) fn parse(text: &str) -> Result<Self, StompError> {
        if let Some(name) = text.strip_prefix("/topic/") {
            return topic(text, name).map(Self::Topic);
        }
        if let Some(name) = text.strip_prefix("/queue/") {
            return queue(text, name).map(Self::Queue);
        }
        if let Some((user, rest)) = text
            .strip_prefix("/user/")
            .and_then(|rest| rest.split_once('/'))
            && is_user_rest(rest)
        {
            return user_topic(text, &decode_user(user), rest).map(Self::Topic);
        }
        if let Some(request) = text.strip_prefix("/app/") {
            return app_request(text, request).map(Self::App);
        }
        let expected = "/topic/NAME, /queue/NAME, /user/USER/queue/NAME, \
                        /app/devices/ID/commands/NAME or /app/devices/ID/telemetry/RECORD";
        Err(invalid(text, expected))
    }

    /// Parses the destination of a reply to `user`.
    pub(super) fn parse_reply(text: &str, user: &str) -> Result<Self, StompError> {
        match Source::parse(text, user)? {
            Source::Topic(topic) => Ok(Self::Topic(topic)),
            Source::Queue(name) => Ok(Self::Queue(name)),
        }
    }
}

fn topic(text: &str, name: &str) -> Result<Topic, StompError> {
    // Clients of other brokers separate words by slashes, which a topic cannot contain.
    let topic: Option<Topic> = name.replace('/', ":").parse().ok();
    topic.filter(|topic| !topic.is_reserved()).ok_or_else(|| {
        invalid(
            text,
            "/topic/ and 1 to 128 characters of A-Z a-z 0-9 . _ : - /",
        )
    })
}

fn queue(text: &str, name: &str) -> Result<String, StompError> {
    match is_name(name) {
        true => Ok(name.to_owned()),
        false => Err(invalid(
            text,
            "/queue/ and 1 to 128 bytes without control characters",
        )),
    }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// Whether the rest of a user's destination is `queue/NAME` or `topic/NAME`.
fn is_user_rest(rest: &str) -> bool {
    let name = rest
        .strip_prefix("queue/")
        .or_else(|| rest.strip_prefix("topic/"));
    name.is_some_and(is_name)
}

/// Returns the topic that stands for a user's destination. A digest, because user names may
/// contain any character.
fn user_topic(text: &str, user: &str, rest: &str) -> Result<Topic, StompError> {
    if !(1..=MAX_USER_BYTES).contains(&user.len()) {
        return Err(invalid(text, "a user name of 1 to 256 bytes"));
    }
    // The length separates user and rest, whatever characters they contain.
    let content = format!("{}:{user}{rest}", user.len());
    let mut hex = String::new();
    for byte in digest(&SHA256, content.as_bytes()).as_ref() {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Topic::of_user(&hex).map_err(|_| invalid(text, "a destination of a user"))
}

/// Decodes `%XX`, by which a user name may contain a slash.
fn decode_user(user: &str) -> Cow<'_, str> {
    percent_decode_str(user).decode_utf8_lossy()
}

fn app_request(text: &str, request: &str) -> Result<AppRequest, StompError> {
    let expected = "/app/devices/ID/commands/NAME or /app/devices/ID/telemetry/RECORD";
    let parts: Vec<_> = request.splitn(4, '/').collect();
    let ["devices", device, kind, name] = parts[..] else {
        return Err(invalid(text, expected));
    };
    let device = device.parse().map_err(|_| invalid(text, expected))?;
    match kind {
        "commands" if is_name(name) => Ok(AppRequest::Command {
            device,
            name: name.to_owned(),
        }),
        "telemetry" => {
            let id = name.parse().map_err(|_| invalid(text, expected))?;
            Ok(AppRequest::Telemetry { device, id })
        }
        _ => Err(invalid(text, expected)),
    }
}

fn invalid(found: &str, expected: &str) -> StompError {
    let invalid = highwater_stomp::InvalidHeader::new(header::DESTINATION, found, expected);
    invalid.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_clients_are_topics_of_the_cluster() {
        let topic = |name: &str| Source::Topic(name.parse().unwrap());
        for (text, name) in [("/topic/news", "news"), ("/topic/rooms/1", "rooms:1")] {
            assert_eq!(Source::parse(text, "me"), Ok(topic(name)));
        }
        for bad in [
            "/topic/",
            "/topic/a b",
            "/topic/highwater-user:00",
            "topic/a",
            "",
        ] {
            assert!(Source::parse(bad, "me").is_err(), "{bad}");
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn message_to_a_user_reaches_the_subscription_of_that_user_only() {
        let Ok(Target::Topic(sent)) = Target::parse("/user/a%2Fb/queue/x") else {
            panic!("a topic");
        };
        let subscribed = |user, text| Source::parse(text, user);
        assert_eq!(
            subscribed("a/b", "/user/queue/x"),
            Ok(Source::Topic(sent.clone()))
        );
        assert!(sent.is_reserved());
        for (user, text) in [("a", "/user/queue/x"), ("a/b", "/user/topic/x")] {
            assert_ne!(subscribed(user, text), Ok(Source::Topic(sent.clone())));
        }
        assert!(subscribed("a", "/user/b/queue/x").is_err());
        assert!(Target::parse("/user/queue/x").is_err());
    }

    #[test]
    fn requests_to_the_node_name_a_device() {
        assert_eq!(
            Target::parse("/app/devices/lamp-1/commands/switch/on"),
            Ok(Target::App(AppRequest::Command {
                device: "lamp-1".parse().unwrap(),
                name: "switch/on".to_owned(),
            }))
        );
        assert_eq!(
            Target::parse("/app/devices/d/telemetry/r-1"),
            Ok(Target::App(AppRequest::Telemetry {
                device: "d".parse().unwrap(),
                id: "r-1".parse().unwrap(),
            }))
        );
        for bad in [
            "/app/x",
            "/app/devices/d",
            "/app/devices/a b/commands/x",
            "/app/devices/d/commands/",
        ] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn invalid_destination_names_the_accepted_forms() {
        let error = Target::parse("/exchange/a\n").unwrap_err().to_string();
        assert!(
            error
                .starts_with(r#"invalid header destination "/exchange/a\n": expected /topic/NAME"#),
            "{error}"
        );
    }
}
