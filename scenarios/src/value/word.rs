//! Values that are one of a few words.

use std::{fmt, marker::PhantomData};

use super::{Accepts, ValueType, text::quoted_text};
use crate::{diagnostic::Diagnostic, plan::Word, suggest, tree::TomlItem};

/// One of the words of an enum.
pub(crate) struct WordOf<W>(PhantomData<fn() -> W>);

/// Accepts the words of the enum that the key is read into.
pub(crate) const fn word<W: Word>() -> WordOf<W> {
    WordOf(PhantomData)
}

/// Returns words in quotes, as a message lists them.
pub(crate) fn quoted_words<W: Word>(words: &[W]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("{:?}", word.as_str()))
        .collect();
    words.join(" or ")
}

impl<W: Word> Accepts for WordOf<W> {
    fn expected(&self) -> String {
        quoted_words(W::VARIANTS)
    }
}

impl<W: Word> ValueType<W> for WordOf<W> {
    fn read(&self, item: &TomlItem) -> Result<W, Diagnostic> {
        let text = quoted_text(item)?;
        let words = || W::VARIANTS.iter().map(|word| word.as_str());
        W::VARIANTS
            .iter()
            .find(|word| word.as_str() == text)
            .copied()
            .ok_or_else(|| {
                // The form lists the words.
                Diagnostic::new("not one of the values known here")
                    .maybe_hint(suggest::did_you_mean(text, words()))
            })
    }
}

impl<W> fmt::Debug for WordOf<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WordOf({})", std::any::type_name::<W>())
    }
}
