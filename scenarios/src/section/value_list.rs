//! A list of different values.

use super::value_type::{FromToml, ValueDiagnostic, ValueType};
use crate::tree::{TomlItem, TomlValue};

/// Most values of a list.
pub(super) const MAX_LIST_VALUES: usize = 8;

/// Longest word that a hint repeats, in bytes.
const MAX_HINT_WORD_BYTES: usize = 32;

/// As they are written; what each of them may be is not looked at.
impl FromToml for Vec<TomlItem> {
    fn from_toml(item: &TomlItem, _: &ValueType) -> Result<Self, ValueDiagnostic> {
        let TomlValue::List(items) = &item.value else {
            return Err(ValueDiagnostic::new("not a list").hint(list_hint(item)));
        };
        match (items.len(), first_duplicate(items)) {
            (0, _) => Err(ValueDiagnostic::new("an empty list")),
            (length, _) if length > MAX_LIST_VALUES => Err(ValueDiagnostic::new("too many values")),
            (_, Some(value)) => Err(ValueDiagnostic::new(format!("{value} stands there twice"))),
            (_, None) => Ok(items.clone()),
        }
    }
}

/// The first value that was there before.
fn first_duplicate(items: &[TomlItem]) -> Option<String> {
    let mut values = items.iter().map(TomlItem::display_redacted).enumerate();
    values.find_map(|(place, value)| {
        let is_repeated = items[..place]
            .iter()
            .any(|before| before.display_redacted() == value);
        is_repeated.then_some(value)
    })
}

/// The list that was probably meant: the value alone in brackets, or that of the words of
/// a text in brackets, whose quotes a shell has taken.
fn list_hint(item: &TomlItem) -> String {
    match &item.value {
        TomlValue::Text(text) if text.starts_with('[') => match quote_words(text) {
            Some(list) => format!("did you mean '{list}', with the single quotes for a shell?"),
            None => "its texts need quotes".to_owned(),
        },
        _ => format!("did you mean [{}]?", item.display_redacted()),
    }
}

/// `[a, b]` as `["a","b"]`.
fn quote_words(text: &str) -> Option<String> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let words: Vec<&str> = inner.split(',').map(str::trim).collect();
    let is_word = |word: &&str| {
        (1..=MAX_HINT_WORD_BYTES).contains(&word.len())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if words.len() > MAX_LIST_VALUES || !words.iter().all(is_word) {
        return None;
    }
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    Some(format!("[{}]", words.join(",")))
}
