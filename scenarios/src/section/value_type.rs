//! What a key takes, and reading it.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    address, backplane, choice, choice::Choice, cluster::BackplaneSection, headers, name,
    value_list::MAX_LIST_VALUES,
};
use crate::{
    check::GateCheck,
    format,
    metrics::Unit,
    plan,
    quantity::{self, QuantityDiagnostic},
    suggest,
    tree::{TomlItem, TomlValue},
    units::Rate,
};

/// What a key takes.
#[derive(Debug)]
pub(crate) enum ValueType {
    /// Any text of a sensible length.
    Text,
    /// The name of something.
    Name,
    /// The name of a node.
    NodeName,
    /// The name of a consumer.
    ConsumerName,
    Count {
        min: u64,
        max: u64,
    },
    Duration {
        min: Duration,
        max: Duration,
    },
    Rate,
    /// Bytes, whole ones.
    Size {
        min: u64,
        max: u64,
    },
    /// A part of a whole, as a percentage or a plain number.
    Share {
        min_percent: u32,
        max_percent: u32,
    },
    /// One of a few words.
    Choice(fn() -> Vec<&'static str>),
    /// `true` or `false`.
    Bool,
    /// Figure, comparison, limit.
    Check,
    /// Path of a command below the base address.
    CommandPath,
    /// The name of a topic, with a place for its number.
    TopicName,
    /// A WebSocket address or a list of them.
    WsAddresses,
    /// A base address of HTTP or a list of them.
    HttpAddresses,
    /// One address of HTTP with a path.
    HttpAddress,
    /// `local`, or the address of a broker.
    Backplane,
    /// Path of a file.
    FilePath,
    /// Names and values of HTTP header fields.
    Headers,
    /// A table of its own.
    Table,
    /// A list of tables.
    Tables,
    /// A list of different values of a form.
    ListOf(&'static ValueType),
}

/// Why a value is refused.
#[derive(Debug)]
pub(crate) struct ValueDiagnostic {
    pub(crate) message: String,
    /// In place of what the form says.
    pub(crate) expected: Option<String>,
    pub(crate) hint: Option<String>,
}

/// A type that a key's value can be read into.
pub(crate) trait FromToml: Sized {
    fn from_toml(item: &TomlItem, form: &ValueType) -> Result<Self, ValueDiagnostic>;
}

impl ValueType {
    /// What is accepted, for messages and for the reference.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Text => "text of up to 500 characters".to_owned(),
            Self::Name => name::EXPECTED_NAME.to_owned(),
            Self::NodeName => name::EXPECTED_NODE.to_owned(),
            Self::ConsumerName => name::EXPECTED_CONSUMER.to_owned(),
            Self::Count { min: least, max: most } => format!(
                "a whole number from {} to {}",
                format::toml_integer(*least),
                format::toml_integer(*most)
            ),
            Self::Duration { min: least, max: most } => format!(
                "a duration with its unit (ms, s, m, h), from \"{}\" to \"{}\"",
                format::toml_duration(*least),
                format::toml_duration(*most)
            ),
            Self::Rate => {
                "a rate with its unit, such as \"200/s\" or \"12000/min\", from \"0.001/s\" to \"1000000/s\""
                    .to_owned()
            }
            Self::Size { min: least, max: most } => format!(
                "a size with its unit (B, kB, KiB), from \"{least}B\" to \"{most}B\""
            ),
            Self::Share { min_percent: least_percent, max_percent: most_percent } => format!(
                "a share, from \"{least_percent}%\" to \"{most_percent}%\""
            ),
            Self::Choice(words) => {
                let words: Vec<String> = words().iter().map(|word| format!("{word:?}")).collect();
                words.join(" or ")
            }
            Self::Bool => "true or false".to_owned(),
            Self::FilePath => "the path of a file, seen from where `highwater` is started".to_owned(),
            Self::Headers => "a table of names and texts, such as { Authorization = \"Bearer ${TOKEN}\" }".to_owned(),
            Self::Check => "a metric, one of < <= == != >= >, and a limit with the metric's unit, such as \"heartbeats.response.p99 <= 50ms\"".to_owned(),
            Self::CommandPath => "a path that begins with `/`, such as \"/devices/{device}/commands\"".to_owned(),
            Self::TopicName => name::EXPECTED_TOPIC.to_owned(),
            Self::WsAddresses => "an address such as \"ws://host:8080/ws?device={device}\", or a list of them".to_owned(),
            Self::HttpAddresses => "an address such as \"http://host:8080\", or a list of them".to_owned(),
            Self::HttpAddress => "an address such as \"http://host:9090/metrics\"".to_owned(),
            Self::Backplane => format!("\"local\", or the address of a broker: {}", backplane::examples()),
            Self::Table => "a table".to_owned(),
            Self::Tables => "a list of tables".to_owned(),
            Self::ListOf(form) => format!(
                "a list of up to {MAX_LIST_VALUES} different values, each {}",
                form.expected()
            ),
        }
    }
}

impl ValueDiagnostic {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            message: what.into(),
            expected: None,
            hint: None,
        }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl From<QuantityDiagnostic> for ValueDiagnostic {
    fn from(misfit: QuantityDiagnostic) -> Self {
        Self {
            message: misfit.message,
            expected: None,
            hint: misfit.hint,
        }
    }
}

impl FromToml for String {
    fn from_toml(item: &TomlItem, form: &ValueType) -> Result<Self, ValueDiagnostic> {
        let text = text(item)?;
        match form {
            ValueType::Name => name::check(text)?,
            ValueType::NodeName => name::check_node(text)?,
            ValueType::ConsumerName => name::check_consumer(text)?,
            ValueType::TopicName => name::check_topic(text)?,
            ValueType::CommandPath => address::check_path(text)?,
            ValueType::HttpAddress => address::check_http(text, address::UrlTail::PathAndQuery)?,
            _ if text.chars().count() > 500 => {
                return Err(ValueDiagnostic::new("text that is too long"));
            }
            _ => {}
        }
        Ok(text.to_owned())
    }
}

impl FromToml for u64 {
    fn from_toml(item: &TomlItem, form: &ValueType) -> Result<Self, ValueDiagnostic> {
        if let ValueType::Size {
            min: least,
            max: most,
        } = form
        {
            return size(item, *least..=*most);
        }
        let number = match &item.value {
            TomlValue::Integer(number) => *number,
            TomlValue::Text(text) if text.trim().parse::<u64>().is_ok() => {
                let hint = format!("write {} without quotes", text.trim());
                return Err(ValueDiagnostic::new("text instead of a number").hint(hint));
            }
            _ => return Err(ValueDiagnostic::new("not a whole number")),
        };
        let (least, most) = match form {
            ValueType::Count {
                min: least,
                max: most,
            } => (*least, *most),
            _ => (0, u64::MAX),
        };
        let in_range = u64::try_from(number)
            .ok()
            .filter(|n| (least..=most).contains(n));
        in_range.ok_or_else(|| ValueDiagnostic::new("out of range"))
    }
}

impl FromToml for u32 {
    fn from_toml(item: &TomlItem, form: &ValueType) -> Result<Self, ValueDiagnostic> {
        let number = u64::from_toml(item, form)?;
        Self::try_from(number).map_err(|_| ValueDiagnostic::new("out of range"))
    }
}

impl FromToml for Duration {
    fn from_toml(item: &TomlItem, form: &ValueType) -> Result<Self, ValueDiagnostic> {
        let duration = quantity::parse_duration(quantity_text(item, "s")?)?;
        match form {
            ValueType::Duration { min: least, .. } if duration < *least => {
                Err(ValueDiagnostic::new("too short"))
            }
            ValueType::Duration { max: most, .. } if duration > *most => {
                Err(ValueDiagnostic::new("too long"))
            }
            _ => Ok(duration),
        }
    }
}

impl FromToml for Rate {
    fn from_toml(item: &TomlItem, _: &ValueType) -> Result<Self, ValueDiagnostic> {
        Ok(quantity::parse_rate(quantity_text(item, "/s")?)?)
    }
}

/// A share as a plain number: a percentage is a hundredth of it.
impl FromToml for f64 {
    fn from_toml(item: &TomlItem, form: &ValueType) -> Result<Self, ValueDiagnostic> {
        let share = Unit::Ratio.parse_limit(quantity_text(item, "%")?)?;
        let ValueType::Share {
            min_percent: least_percent,
            max_percent: most_percent,
        } = form
        else {
            return Ok(share);
        };
        let accepted = Self::from(*least_percent) / 100.0..=Self::from(*most_percent) / 100.0;
        match accepted.contains(&share) {
            true => Ok(share),
            false => Err(ValueDiagnostic::new("out of range")),
        }
    }
}

impl FromToml for BackplaneSection {
    fn from_toml(item: &TomlItem, _: &ValueType) -> Result<Self, ValueDiagnostic> {
        backplane::parse(text(item)?)
    }
}

impl FromToml for GateCheck {
    fn from_toml(item: &TomlItem, _: &ValueType) -> Result<Self, ValueDiagnostic> {
        Self::parse(text(item)?).map_err(|problem| ValueDiagnostic {
            message: problem.message,
            expected: Some(problem.expected),
            hint: problem.hint,
        })
    }
}

impl<C: Choice> FromToml for C {
    fn from_toml(item: &TomlItem, _: &ValueType) -> Result<Self, ValueDiagnostic> {
        let word = text(item)?;
        let entry = C::ALL.iter().find(|(known, _)| *known == word);
        entry
            .map(|(_, value)| *value)
            .ok_or_else(|| ValueDiagnostic {
                message: "not one of the values known here".to_owned(),
                expected: None,
                hint: suggest::did_you_mean(word, choice::choices::<C>()),
            })
    }
}

impl FromToml for bool {
    fn from_toml(item: &TomlItem, _: &ValueType) -> Result<Self, ValueDiagnostic> {
        let text = match &item.value {
            TomlValue::Other(text, _) => text.as_str(),
            TomlValue::Text(text) if matches!(text.as_str(), "true" | "false") => {
                let hint = format!("write {text} without quotes");
                return Err(ValueDiagnostic::new("text instead of a truth value").hint(hint));
            }
            _ => "",
        };
        text.parse()
            .map_err(|_| ValueDiagnostic::new("not a truth value"))
    }
}

/// Header fields in the order of the file.
impl FromToml for Vec<plan::HttpHeader> {
    fn from_toml(item: &TomlItem, _: &ValueType) -> Result<Self, ValueDiagnostic> {
        let table = item
            .as_table()
            .ok_or_else(|| ValueDiagnostic::new("not a table"))?;
        headers::parse(table)
    }
}

/// One address or a list of them, never an empty one.
impl FromToml for Vec<String> {
    fn from_toml(item: &TomlItem, form: &ValueType) -> Result<Self, ValueDiagnostic> {
        let one = std::slice::from_ref(item);
        let items = match &item.value {
            TomlValue::List(items) => items.as_slice(),
            _ => one,
        };
        if items.is_empty() {
            return Err(ValueDiagnostic::new("an empty list"));
        }
        let checked = items.iter().map(|item| {
            let text = text(item)?;
            match form {
                ValueType::WsAddresses => address::check_ws(text)?,
                _ => address::check_http(text, address::UrlTail::Path)?,
            }
            Ok(text.to_owned())
        });
        checked.collect()
    }
}

fn size(item: &TomlItem, accepted: RangeInclusive<u64>) -> Result<u64, ValueDiagnostic> {
    let bytes = Unit::Bytes.parse_limit(quantity_text(item, "B")?)?;
    if bytes.fract() != 0.0 {
        return Err(ValueDiagnostic::new("not a whole number of bytes"));
    }
    // Saturates, which is out of range like any other such size.
    let bytes = bytes as u64;
    match accepted.contains(&bytes) {
        true => Ok(bytes),
        false => Err(ValueDiagnostic::new("out of range")),
    }
}

fn text(item: &TomlItem) -> Result<&str, ValueDiagnostic> {
    match &item.value {
        TomlValue::Text(text) => Ok(text),
        _ => Err(ValueDiagnostic::new("not text in quotes")),
    }
}

/// The text of a quantity; a bare number gets a hint that it wants a unit.
fn quantity_text<'i>(item: &'i TomlItem, unit: &str) -> Result<&'i str, ValueDiagnostic> {
    match &item.value {
        TomlValue::Text(text) => Ok(text),
        TomlValue::Integer(number) if *number >= 0 => {
            let hint = format!("did you mean \"{number}{unit}\"?");
            Err(ValueDiagnostic::new("a number without its unit").hint(hint))
        }
        _ => Err(ValueDiagnostic::new("not a quantity in quotes")),
    }
}
