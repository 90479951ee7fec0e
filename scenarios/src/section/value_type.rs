//! What a key takes, and reading it.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    address, backplane, choice, choice::Choice, cluster::Backplane, headers, name,
    value_list::MOST_VALUES,
};
use crate::{
    check::Check,
    format,
    metrics::Unit,
    plan,
    quantity::{self, Misfit},
    suggest,
    tree::{Item, Value},
    units::Rate,
};

/// What a key takes.
#[derive(Debug)]
pub(crate) enum Form {
    /// Any text of a sensible length.
    Text,
    /// The name of something.
    Name,
    /// The name of a node.
    Node,
    /// The name of a consumer.
    Consumer,
    Count {
        least: u64,
        most: u64,
    },
    Duration {
        least: Duration,
        most: Duration,
    },
    Rate,
    /// Bytes, whole ones.
    Size {
        least: u64,
        most: u64,
    },
    /// A part of a whole, as a percentage or a plain number.
    Share {
        least_percent: u32,
        most_percent: u32,
    },
    /// One of a few words.
    Choice(fn() -> Vec<&'static str>),
    /// `true` or `false`.
    Flag,
    /// Figure, comparison, limit.
    Check,
    /// Path of a command below the base address.
    Path,
    /// The name of a topic, with a place for its number.
    Topic,
    /// A WebSocket address or a list of them.
    WsAddresses,
    /// A base address of HTTP or a list of them.
    HttpAddresses,
    /// One address of HTTP with a path.
    HttpAddress,
    /// `local`, or the address of a broker.
    Backplane,
    /// Path of a file.
    File,
    /// Names and values of HTTP header fields.
    Headers,
    /// A table of its own.
    Table,
    /// A list of tables.
    Tables,
    /// A list of different values of a form.
    Each(&'static Form),
}

/// Why a value is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) what: String,
    /// In place of what the form says.
    pub(crate) accepted: Option<String>,
    pub(crate) hint: Option<String>,
}

/// A type that a key's value can be read into.
pub(crate) trait FromItem: Sized {
    fn from_item(item: &Item, form: &Form) -> Result<Self, Refusal>;
}

impl Form {
    /// What is accepted, for messages and for the reference.
    pub(crate) fn accepted(&self) -> String {
        match self {
            Self::Text => "text of up to 500 characters".to_owned(),
            Self::Name => name::ACCEPTED.to_owned(),
            Self::Node => name::ACCEPTED_NODE.to_owned(),
            Self::Consumer => name::ACCEPTED_CONSUMER.to_owned(),
            Self::Count { least, most } => format!(
                "a whole number from {} to {}",
                format::typed(*least),
                format::typed(*most)
            ),
            Self::Duration { least, most } => format!(
                "a duration with its unit (ms, s, m, h), from \"{}\" to \"{}\"",
                format::written(*least),
                format::written(*most)
            ),
            Self::Rate => {
                "a rate with its unit, such as \"200/s\" or \"12000/min\", from \"0.001/s\" to \"1000000/s\""
                    .to_owned()
            }
            Self::Size { least, most } => format!(
                "a size with its unit (B, kB, KiB), from \"{least}B\" to \"{most}B\""
            ),
            Self::Share { least_percent, most_percent } => format!(
                "a share, from \"{least_percent}%\" to \"{most_percent}%\""
            ),
            Self::Choice(words) => {
                let words: Vec<String> = words().iter().map(|word| format!("{word:?}")).collect();
                words.join(" or ")
            }
            Self::Flag => "true or false".to_owned(),
            Self::File => "the path of a file, seen from where `highwater` is started".to_owned(),
            Self::Headers => "a table of names and texts, such as { Authorization = \"Bearer ${TOKEN}\" }".to_owned(),
            Self::Check => "a figure, one of < <= == != >= >, and a limit with the figure's unit, such as \"heartbeats.response.p99 <= 50ms\"".to_owned(),
            Self::Path => "a path that begins with `/`, such as \"/devices/{device}/commands\"".to_owned(),
            Self::Topic => name::ACCEPTED_TOPIC.to_owned(),
            Self::WsAddresses => "an address such as \"ws://host:8080/ws?device={device}\", or a list of them".to_owned(),
            Self::HttpAddresses => "an address such as \"http://host:8080\", or a list of them".to_owned(),
            Self::HttpAddress => "an address such as \"http://host:9090/metrics\"".to_owned(),
            Self::Backplane => format!("\"local\", or the address of a broker: {}", backplane::examples()),
            Self::Table => "a table".to_owned(),
            Self::Tables => "a list of tables".to_owned(),
            Self::Each(form) => format!(
                "a list of up to {MOST_VALUES} different values, each {}",
                form.accepted()
            ),
        }
    }
}

impl Refusal {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            accepted: None,
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

impl From<Misfit> for Refusal {
    fn from(misfit: Misfit) -> Self {
        Self {
            what: misfit.what,
            accepted: None,
            hint: misfit.hint,
        }
    }
}

impl FromItem for String {
    fn from_item(item: &Item, form: &Form) -> Result<Self, Refusal> {
        let text = text(item)?;
        match form {
            Form::Name => name::check(text)?,
            Form::Node => name::check_node(text)?,
            Form::Consumer => name::check_consumer(text)?,
            Form::Topic => name::check_topic(text)?,
            Form::Path => address::check_path(text)?,
            Form::HttpAddress => address::check_http(text, address::Tail::Any)?,
            _ if text.chars().count() > 500 => return Err(Refusal::new("text that is too long")),
            _ => {}
        }
        Ok(text.to_owned())
    }
}

impl FromItem for u64 {
    fn from_item(item: &Item, form: &Form) -> Result<Self, Refusal> {
        if let Form::Size { least, most } = form {
            return size(item, *least..=*most);
        }
        let number = match &item.value {
            Value::Integer(number) => *number,
            Value::Text(text) if text.trim().parse::<u64>().is_ok() => {
                let hint = format!("write {} without quotes", text.trim());
                return Err(Refusal::new("text instead of a number").hint(hint));
            }
            _ => return Err(Refusal::new("not a whole number")),
        };
        let (least, most) = match form {
            Form::Count { least, most } => (*least, *most),
            _ => (0, u64::MAX),
        };
        let in_range = u64::try_from(number)
            .ok()
            .filter(|n| (least..=most).contains(n));
        in_range.ok_or_else(|| Refusal::new("out of range"))
    }
}

impl FromItem for u32 {
    fn from_item(item: &Item, form: &Form) -> Result<Self, Refusal> {
        let number = u64::from_item(item, form)?;
        Self::try_from(number).map_err(|_| Refusal::new("out of range"))
    }
}

impl FromItem for Duration {
    fn from_item(item: &Item, form: &Form) -> Result<Self, Refusal> {
        let duration = quantity::duration(quantity_text(item, "s")?)?;
        match form {
            Form::Duration { least, .. } if duration < *least => Err(Refusal::new("too short")),
            Form::Duration { most, .. } if duration > *most => Err(Refusal::new("too long")),
            _ => Ok(duration),
        }
    }
}

impl FromItem for Rate {
    fn from_item(item: &Item, _: &Form) -> Result<Self, Refusal> {
        Ok(quantity::rate(quantity_text(item, "/s")?)?)
    }
}

/// A share as a plain number: a percentage is a hundredth of it.
impl FromItem for f64 {
    fn from_item(item: &Item, form: &Form) -> Result<Self, Refusal> {
        let share = Unit::Ratio.limit(quantity_text(item, "%")?)?;
        let Form::Share {
            least_percent,
            most_percent,
        } = form
        else {
            return Ok(share);
        };
        let accepted = Self::from(*least_percent) / 100.0..=Self::from(*most_percent) / 100.0;
        match accepted.contains(&share) {
            true => Ok(share),
            false => Err(Refusal::new("out of range")),
        }
    }
}

impl FromItem for Backplane {
    fn from_item(item: &Item, _: &Form) -> Result<Self, Refusal> {
        backplane::read(text(item)?)
    }
}

impl FromItem for Check {
    fn from_item(item: &Item, _: &Form) -> Result<Self, Refusal> {
        Self::parse(text(item)?).map_err(|problem| Refusal {
            what: problem.what,
            accepted: Some(problem.accepted),
            hint: problem.hint,
        })
    }
}

impl<C: Choice> FromItem for C {
    fn from_item(item: &Item, _: &Form) -> Result<Self, Refusal> {
        let word = text(item)?;
        let entry = C::ALL.iter().find(|(known, _)| *known == word);
        entry.map(|(_, value)| *value).ok_or_else(|| Refusal {
            what: "not one of the values known here".to_owned(),
            accepted: None,
            hint: suggest::hint(word, choice::words::<C>()),
        })
    }
}

impl FromItem for bool {
    fn from_item(item: &Item, _: &Form) -> Result<Self, Refusal> {
        let text = match &item.value {
            Value::Other(text, _) => text.as_str(),
            Value::Text(text) if matches!(text.as_str(), "true" | "false") => {
                let hint = format!("write {text} without quotes");
                return Err(Refusal::new("text instead of a truth value").hint(hint));
            }
            _ => "",
        };
        text.parse().map_err(|_| Refusal::new("not a truth value"))
    }
}

/// Header fields in the order of the file.
impl FromItem for Vec<plan::Header> {
    fn from_item(item: &Item, _: &Form) -> Result<Self, Refusal> {
        let table = item.as_table().ok_or_else(|| Refusal::new("not a table"))?;
        headers::read(table)
    }
}

/// One address or a list of them, never an empty one.
impl FromItem for Vec<String> {
    fn from_item(item: &Item, form: &Form) -> Result<Self, Refusal> {
        let one = std::slice::from_ref(item);
        let items = match &item.value {
            Value::List(items) => items.as_slice(),
            _ => one,
        };
        if items.is_empty() {
            return Err(Refusal::new("an empty list"));
        }
        let checked = items.iter().map(|item| {
            let text = text(item)?;
            match form {
                Form::WsAddresses => address::check_ws(text)?,
                _ => address::check_http(text, address::Tail::Path)?,
            }
            Ok(text.to_owned())
        });
        checked.collect()
    }
}

fn size(item: &Item, accepted: RangeInclusive<u64>) -> Result<u64, Refusal> {
    let bytes = Unit::Bytes.limit(quantity_text(item, "B")?)?;
    if bytes.fract() != 0.0 {
        return Err(Refusal::new("not a whole number of bytes"));
    }
    // Saturates, which is out of range like any other such size.
    let bytes = bytes as u64;
    match accepted.contains(&bytes) {
        true => Ok(bytes),
        false => Err(Refusal::new("out of range")),
    }
}

fn text(item: &Item) -> Result<&str, Refusal> {
    match &item.value {
        Value::Text(text) => Ok(text),
        _ => Err(Refusal::new("not text in quotes")),
    }
}

/// The text of a quantity; a bare number gets a hint that it wants a unit.
fn quantity_text<'i>(item: &'i Item, unit: &str) -> Result<&'i str, Refusal> {
    match &item.value {
        Value::Text(text) => Ok(text),
        Value::Integer(number) if *number >= 0 => {
            let hint = format!("did you mean \"{number}{unit}\"?");
            Err(Refusal::new("a number without its unit").hint(hint))
        }
        _ => Err(Refusal::new("not a quantity in quotes")),
    }
}
