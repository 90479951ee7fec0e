//! A list of different values.

use super::{Accepts, ValueType};
use crate::{
    diagnostic::Diagnostic,
    tree::{TomlItem, TomlValue},
};

/// Most values of a list.
const MAX_LIST_VALUES: usize = 8;

/// Longest word that a hint repeats, in bytes.
const MAX_HINT_WORD_BYTES: usize = 32;

/// A list of different values of one form.
#[derive(Debug)]
pub(crate) struct ListOf<V>(V);

/// Accepts a list of different values, each of the form `element`.
pub(crate) const fn list_of<V>(element: V) -> ListOf<V> {
    ListOf(element)
}

impl<V: Accepts> Accepts for ListOf<V> {
    fn expected(&self) -> String {
        format!(
            "a list of up to {MAX_LIST_VALUES} different values, each {}",
            self.0.expected()
        )
    }
}

/// Reads the values as they are written. Their form is checked where they are used, so that
/// a problem names the key that takes them.
impl<V: Accepts> ValueType<Vec<TomlItem>> for ListOf<V> {
    fn read(&self, item: &TomlItem) -> Result<Vec<TomlItem>, Diagnostic> {
        let TomlValue::List(items) = &item.value else {
            return Err(Diagnostic::new("not a list").hint(list_hint(item)));
        };
        match (items.len(), first_duplicate(items)) {
            (0, _) => Err(Diagnostic::new("an empty list")),
            (length, _) if length > MAX_LIST_VALUES => Err(Diagnostic::new("too many values")),
            (_, Some(value)) => Err(Diagnostic::new(format!("{value} is listed twice"))),
            (_, None) => Ok(items.clone()),
        }
    }
}

/// Returns the first value that repeats an earlier one.
fn first_duplicate(items: &[TomlItem]) -> Option<String> {
    // As displayed, which is enough for the words and numbers of an axis.
    let mut values = items.iter().map(TomlItem::display_redacted).enumerate();
    values.find_map(|(place, value)| {
        let is_repeated = items[..place]
            .iter()
            .any(|before| before.display_redacted() == value);
        is_repeated.then_some(value)
    })
}

/// Returns the list that was probably meant: the value alone in brackets, or the words of a
/// text in brackets, whose quotes a shell has removed.
fn list_hint(item: &TomlItem) -> String {
    match &item.value {
        TomlValue::Text(text) if text.starts_with('[') => match quote_words(text) {
            Some(list) => format!("did you mean '{list}', with the single quotes for a shell?"),
            None => "its texts need quotes".to_owned(),
        },
        _ => format!("did you mean [{}]?", item.display_redacted()),
    }
}

/// Returns `[a, b]` as `["a","b"]`.
fn quote_words(text: &str) -> Option<String> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let words: Vec<&str> = inner.split(',').map(str::trim).collect();
    let is_word = |word: &&str| {
        (1..=MAX_HINT_WORD_BYTES).contains(&word.len())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // Any other text was not a list of words, and a hint would mislead.
    if words.len() > MAX_LIST_VALUES || !words.iter().all(is_word) {
        return None;
    }
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    Some(format!("[{}]", words.join(",")))
}
