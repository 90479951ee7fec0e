//! Values to take from an HTTP answer: `{ session = "cookie:session", csrf = "json:/csrf" }`.

use regex::Regex;

use super::{FixedForm, headers::is_token, text::quoted_text};
use crate::{
    data::check_value_name,
    diagnostic::Diagnostic,
    frames::JsonPath,
    plan::{TakeSource, TakeSpec},
    tree::TomlItem,
};

/// Most values of one device.
const MAX_TAKEN: usize = 32;

const SOURCES: &str = "\"cookie:NAME\", \"json:/place\", \"header:NAME\" or \"regex:…(group)…\"";

/// Accepts a table of names and their places in an HTTP answer.
pub(crate) const fn http_takes() -> FixedForm<Vec<TakeSpec>> {
    FixedForm {
        expected: || {
            format!(
                "a table of up to {MAX_TAKEN} names, each with its place in the answer: {SOURCES}"
            )
        },
        read,
    }
}

fn read(item: &TomlItem) -> Result<Vec<TakeSpec>, Diagnostic> {
    let Some(table) = item.as_table() else {
        return Err(Diagnostic::new("not a table"));
    };
    if table.entries().count() > MAX_TAKEN {
        return Err(Diagnostic::new(format!("more than {MAX_TAKEN} values")));
    }
    let take = table.entries().map(|entry| {
        check_value_name(&entry.key)?;
        let from = read_source(quoted_text(&entry.item)?)?;
        Ok(TakeSpec {
            name: entry.key.clone(),
            from,
        })
    });
    take.collect()
}

fn read_source(text: &str) -> Result<TakeSource, Diagnostic> {
    let malformed = || {
        Diagnostic::new(format!(
            "`{}` is not a place in an answer",
            text.escape_debug()
        ))
        .expected(SOURCES)
    };
    let (kind, place) = text.split_once(':').ok_or_else(malformed)?;
    match kind {
        "json" => JsonPath::parse(place).map(|_| TakeSource::Json(place.to_owned())),
        "regex" => check_regex(place).map(|()| TakeSource::Regex(place.to_owned())),
        "cookie" if is_token(place) => Ok(TakeSource::Cookie(place.to_owned())),
        "header" if is_token(place) => Ok(TakeSource::Header(place.to_owned())),
        _ => Err(malformed()),
    }
}

fn check_regex(text: &str) -> Result<(), Diagnostic> {
    let regex = Regex::new(text).map_err(|error| {
        // The last line of the parser's text says what is wrong.
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default();
        let reason = reason.trim_start_matches("error: ");
        Diagnostic::new(format!("an invalid regular expression: {reason}"))
    })?;
    match regex.captures_len() {
        // The whole match counts as the first.
        2.. => Ok(()),
        _ => Err(Diagnostic::new("a regular expression without a group")
            .hint("put the value in round brackets, such as `token=([^&]+)`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_has_a_kind_and_a_valid_name() {
        for text in [
            "cookie:session",
            "header:X-Csrf-Token",
            "json:/a/b",
            "json:a.b",
            "regex:token=([^&]+)",
        ] {
            assert!(read_source(text).is_ok(), "{text}");
        }
        for text in [
            "session",
            "cookies:session",
            "cookie:",
            "header:a b",
            "json:a..b",
            "regex:token",
            "regex:(",
        ] {
            assert!(read_source(text).is_err(), "{text}");
        }
    }
}
