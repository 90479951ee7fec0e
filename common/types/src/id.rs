//! Names of nodes, clusters, devices, topics, telemetry and consumer groups: validated
//! once, cheap to clone.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// An error for a text that is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what} {found:?}: expected 1 to {max} characters of {alphabet}")]
pub struct InvalidName {
    what: &'static str,
    found: String,
    max: usize,
    alphabet: &'static str,
}

/// Most characters of an invalid name that an error quotes.
const MAX_QUOTED_CHARS: usize = 200;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $extra:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        // Names also come from other processes, so serde goes through the same check.
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                // ASCII alone, so the limit in bytes is one in characters too.
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || $extra.as_bytes().contains(&byte);
                if (1..=$max).contains(&text.len()) && text.bytes().all(legal) {
                    return Ok(Self(text.into()));
                }
                Err(InvalidName {
                    what: $what,
                    // The text may come from a client: the error must stay small.
                    found: text.chars().take(MAX_QUOTED_CHARS).collect(),
                    max: $max,
                    alphabet: concat!("A-Z a-z 0-9 ", $extra),
                })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        // As plain text, because logs show ids as fields.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a node: 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
    NodeId, "node id", 64, "._-"
);
name!(
    /// The name of a cluster, which separates its nodes from others at a shared broker:
    /// 1 to 64 characters of `A-Z a-z 0-9 _ -`.
    // Without dots: it is one word of a NATS subject.
    ClusterName, "cluster name", 64, "_-"
);
name!(
    /// The name of a device: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`.
    DeviceId, "device id", 128, "._:-"
);
name!(
    /// The name of a topic: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`.
    Topic, "topic", 128, "._:-"
);
name!(
    /// The id of a telemetry record: 1 to 64 characters of `A-Z a-z 0-9 . _ : -`.
    TelemetryId, "telemetry id", 64, "._:-"
);
name!(
    /// The name of a consumer group: 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
    ConsumerGroup, "consumer group", 64, "._-"
);

/// The beginning of topics that stand for the destinations of single users.
const USER_TOPIC: &str = "highwater-user:";

impl Topic {
    /// Returns the topic of a user's destination, by a digest of both in hexadecimal.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] unless the digest has 1 to 113 characters of a topic.
    pub fn of_user(digest: &str) -> Result<Self, InvalidName> {
        format!("{USER_TOPIC}{digest}").parse()
    }

    /// Whether only the cluster itself subscribes to the topic and publishes to it.
    pub fn is_reserved(&self) -> bool {
        self.as_str().starts_with(USER_TOPIC)
    }
}

impl Default for ClusterName {
    /// Returns `highwater`.
    fn default() -> Self {
        Self("highwater".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_checked_for_length_and_characters() {
        for good in ["n1", "a", "A.b_c-9", &"x".repeat(64)] {
            assert_eq!(good.parse::<NodeId>().unwrap().to_string(), good);
        }
        for bad in ["", "a b", "ü", "a/b", "a:b", &"x".repeat(65)] {
            assert!(bad.parse::<NodeId>().is_err(), "{bad:?}");
        }
        assert!("aa:bb".parse::<DeviceId>().is_ok());
        assert!("x".repeat(129).parse::<DeviceId>().is_err());
        // A cluster name is one word of a subject, of a key and of a queue name.
        assert!("a.b".parse::<ClusterName>().is_err());
        let name = ClusterName::default();
        assert_eq!(name.as_str().parse(), Ok(name));
    }

    #[test]
    fn invalid_name_error_states_the_accepted_form() {
        let error = "a b".parse::<NodeId>().unwrap_err().to_string();
        assert_eq!(
            error,
            r#"invalid node id "a b": expected 1 to 64 characters of A-Z a-z 0-9 ._-"#
        );
    }
}
