//! A list of different values.

use super::value_type::{Form, FromItem, Refusal};
use crate::tree::{Item, Value};

/// Most values of a list.
pub(super) const MOST_VALUES: usize = 8;

/// Longest word that a hint repeats, in bytes.
const LONGEST_WORD: usize = 32;

/// As they are written; what each of them may be is not looked at.
impl FromItem for Vec<Item> {
    fn from_item(item: &Item, _: &Form) -> Result<Self, Refusal> {
        let Value::List(items) = &item.value else {
            return Err(Refusal::new("not a list").hint(meant(item)));
        };
        match (items.len(), repeated(items)) {
            (0, _) => Err(Refusal::new("an empty list")),
            (length, _) if length > MOST_VALUES => Err(Refusal::new("too many values")),
            (_, Some(value)) => Err(Refusal::new(format!("{value} stands there twice"))),
            (_, None) => Ok(items.clone()),
        }
    }
}

/// The first value that was there before.
fn repeated(items: &[Item]) -> Option<String> {
    let mut values = items.iter().map(Item::found).enumerate();
    values.find_map(|(place, value)| {
        let is_repeated = items[..place].iter().any(|before| before.found() == value);
        is_repeated.then_some(value)
    })
}

/// The list that was probably meant: the value alone in brackets, or that of the words of
/// a text in brackets, whose quotes a shell has taken.
fn meant(item: &Item) -> String {
    match &item.value {
        Value::Text(text) if text.starts_with('[') => match words_in_quotes(text) {
            Some(list) => format!("did you mean '{list}', with the single quotes for a shell?"),
            None => "its texts need quotes".to_owned(),
        },
        _ => format!("did you mean [{}]?", item.found()),
    }
}

/// `[a, b]` as `["a","b"]`.
fn words_in_quotes(text: &str) -> Option<String> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let words: Vec<&str> = inner.split(',').map(str::trim).collect();
    let is_word = |word: &&str| {
        (1..=LONGEST_WORD).contains(&word.len())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if words.len() > MOST_VALUES || !words.iter().all(is_word) {
        return None;
    }
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    Some(format!("[{}]", words.join(",")))
}
