//! The request of a command, the statuses of its response, and its reply.

use super::{FixedForm, matcher::read_matcher, text::quoted_text};
use crate::{
    diagnostic::Diagnostic,
    plan::ReplyMode,
    suggest,
    tree::{TomlItem, TomlTable, TomlValue},
};

/// Most statuses that one command expects.
const MAX_STATUSES: usize = 16;

/// The words for the carrier of a reply.
const REPLY_WORDS: [&str; 2] = ["rest", "sse"];

/// Accepts text with placeholders, which are checked where the names are known.
pub(crate) const fn template() -> FixedForm<String> {
    FixedForm {
        expected: || "text in quotes, in which `{device}` stands for the device's id".to_owned(),
        read: |item| quoted_text(item).map(str::to_owned),
    }
}

/// Accepts an HTTP status, or a list of them.
pub(crate) const fn statuses() -> FixedForm<Vec<u16>> {
    FixedForm {
        expected: || {
            format!("a status such as 202, or a list of up to {MAX_STATUSES}, each from 100 to 599")
        },
        read: read_statuses,
    }
}

/// Accepts the carrier of a reply.
pub(crate) const fn reply() -> FixedForm<ReplyMode> {
    FixedForm {
        expected: || {
            "\"rest\", \"sse\", or a table such as { frame = { json = { id = \"{nonce}\" } } }"
                .to_owned()
        },
        read: read_reply,
    }
}

fn read_statuses(item: &TomlItem) -> Result<Vec<u16>, Diagnostic> {
    let items = match &item.value {
        TomlValue::List(items) => items.as_slice(),
        _ => std::slice::from_ref(item),
    };
    if !(1..=MAX_STATUSES).contains(&items.len()) {
        let message = format!("{} statuses in place of 1 to {MAX_STATUSES}", items.len());
        return Err(Diagnostic::new(message));
    }
    let statuses: Result<Vec<u16>, Diagnostic> = items.iter().map(read_status).collect();
    let statuses = statuses?;
    let repeated = (1..statuses.len()).find(|&at| statuses[..at].contains(&statuses[at]));
    match repeated {
        Some(at) => Err(Diagnostic::new(format!("{} is listed twice", statuses[at]))),
        None => Ok(statuses),
    }
}

fn read_status(item: &TomlItem) -> Result<u16, Diagnostic> {
    let TomlValue::Integer(number) = item.value else {
        return Err(Diagnostic::new("a status that is not a whole number"));
    };
    let status = u16::try_from(number).ok();
    let status = status.filter(|status| (100..600).contains(status));
    status.ok_or_else(|| Diagnostic::new(format!("{number} is not an HTTP status")))
}

fn read_reply(item: &TomlItem) -> Result<ReplyMode, Diagnostic> {
    match &item.value {
        TomlValue::Text(word) => match word.as_str() {
            "rest" => Ok(ReplyMode::Rest),
            "sse" => Ok(ReplyMode::Sse),
            _ => Err(Diagnostic::new("not one of the values known here")
                .maybe_hint(suggest::did_you_mean(word, REPLY_WORDS))),
        },
        TomlValue::Table(table) => read_frame(table),
        _ => Err(Diagnostic::new("neither a word nor a table")),
    }
}

fn read_frame(table: &TomlTable) -> Result<ReplyMode, Diagnostic> {
    let mut entries = table.entries();
    match (entries.next(), entries.next()) {
        (Some(entry), None) if entry.key == "frame" => {
            read_matcher(&entry.item).map(ReplyMode::Frame)
        }
        (Some(entry), None) => {
            let key = entry.key.escape_debug();
            Err(Diagnostic::new(format!("an unknown key `{key}`"))
                .maybe_hint(suggest::did_you_mean(&entry.key, ["frame"])))
        }
        _ => Err(Diagnostic::new("not one key")),
    }
}
