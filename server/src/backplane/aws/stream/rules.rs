//! The rules by which a filter publishes actions, or drops them.

use serde::Deserialize;

use super::super::message::Recipient;

/// The most rules of a file.
const MAX_RULES: usize = 1_000;

/// The rules of a filter, in their order. Without rules everything is published.
///
/// The form in a file is TOML: `[[rule]]` with `then = "publish"` or `"drop"`, and with
/// `to = "node"` or `"topic"` and `topic = "debug.*"` as conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingRules {
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

/// An error for a text that is not a list of rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    /// The text is not TOML, or a key or a value is unknown.
    #[error("invalid rules: {0}")]
    Malformed(String),
    /// A file with too many rules.
    #[error("invalid rules: {0} of them: expected at most {MAX_RULES}")]
    TooMany(usize),
    /// A rule for nodes names a topic.
    #[error("invalid rule {number}: `topic` beside `to = \"node\"`; hint: remove one of them")]
    TopicOfNode {
        /// The place of the rule, from 1.
        number: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    to: Option<RecipientKind>,
    /// A topic, or the beginning of topics before a `*`.
    topic: Option<String>,
    then: Decision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RecipientKind {
    Node,
    Topic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    Publish,
    Drop,
}

impl RoutingRules {
    /// Parses the text of a file.
    ///
    /// # Errors
    /// [`InvalidRules`].
    pub fn parse(text: &str) -> Result<Self, InvalidRules> {
        let parsed: Self =
            toml::from_str(text).map_err(|error| InvalidRules::Malformed(error.to_string()))?;
        if parsed.rules.len() > MAX_RULES {
            return Err(InvalidRules::TooMany(parsed.rules.len()));
        }
        let is_contradiction =
            |rule: &Rule| rule.to == Some(RecipientKind::Node) && rule.topic.is_some();
        match parsed.rules.iter().position(is_contradiction) {
            Some(at) => Err(InvalidRules::TopicOfNode { number: at + 1 }),
            None => Ok(parsed),
        }
    }

    /// Whether an action for this recipient is published. The first rule that matches decides.
    pub(super) fn publishes(&self, recipient: &Recipient) -> bool {
        let first = self.rules.iter().find(|rule| rule.matches(recipient));
        first.is_none_or(|rule| rule.then == Decision::Publish)
    }
}

impl Rule {
    fn matches(&self, recipient: &Recipient) -> bool {
        let kind_matches = match recipient {
            Recipient::Inbox(_) => self.to != Some(RecipientKind::Topic),
            Recipient::Topic(_) => self.to != Some(RecipientKind::Node),
            // Nodes do not write signs of life to the table.
            Recipient::Everyone => false,
        };
        let topic_matches = match (&self.topic, recipient) {
            (None, _) => true,
            (Some(pattern), Recipient::Topic(topic)) => match pattern.strip_suffix('*') {
                Some(beginning) => topic.as_str().starts_with(beginning),
                None => topic.as_str() == pattern,
            },
            (Some(_), _) => false,
        };
        kind_matches && topic_matches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> Recipient {
        Recipient::Topic(name.parse().unwrap())
    }

    #[test]
    fn first_rule_that_matches_decides() {
        let rules = RoutingRules::parse(
            r#"
            [[rule]]
            topic = "debug.kept"
            then = "publish"
            [[rule]]
            topic = "debug.*"
            then = "drop"
            "#,
        );
        let rules = rules.unwrap();
        for (name, expected) in [("debug.kept", true), ("debug.x", false), ("news", true)] {
            assert_eq!(rules.publishes(&topic(name)), expected, "{name}");
        }
        assert!(rules.publishes(&Recipient::Inbox("a".to_owned())));
        let drops_topics = RoutingRules::parse("[[rule]]\nto = 'topic'\nthen = 'drop'").unwrap();
        assert!(!drops_topics.publishes(&topic("any")));
        assert!(drops_topics.publishes(&Recipient::Inbox("a".to_owned())));
        assert!(RoutingRules::parse("").unwrap().publishes(&topic("any")));
    }

    #[test]
    fn invalid_rules_are_rejected_with_the_place() {
        for (text, expected) in [
            ("[[rule]]\nthen = 'keep'", "expected `publish` or `drop`"),
            (
                "[[rule]]\nthen = 'drop'\nfrom = 'a'",
                "unknown field `from`",
            ),
            ("rules = 3", "unknown field `rules`"),
            (
                "[[rule]]\nthen = 'drop'\nto = 'node'\ntopic = 'a'",
                "invalid rule 1",
            ),
        ] {
            let error = RoutingRules::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let many = "[[rule]]\nthen = 'drop'\n".repeat(MAX_RULES + 1);
        assert_eq!(
            RoutingRules::parse(&many),
            Err(InvalidRules::TooMany(MAX_RULES + 1))
        );
    }
}
