//! Values that are one of a few words.

use super::{FixedForm, text::quoted_text};
use crate::{diagnostic::Diagnostic, plan::Word, suggest, tree::TomlItem};

/// Accepts the words of the enum that the key is read into.
pub(crate) const fn word<W: Word>() -> FixedForm<W> {
    FixedForm {
        expected: || quoted_words(W::VARIANTS),
        read,
    }
}

/// Returns words in quotes, as a message lists them.
pub(crate) fn quoted_words<W: Word>(words: &[W]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("{:?}", word.as_str()))
        .collect();
    words.join(" or ")
}

fn read<W: Word>(item: &TomlItem) -> Result<W, Diagnostic> {
    let text = quoted_text(item)?;
    let words = || W::VARIANTS.iter().map(|word| word.as_str());
    let found = W::VARIANTS.iter().find(|word| word.as_str() == text);
    found.copied().ok_or_else(|| {
        // The form lists the words.
        Diagnostic::new("not one of the values known here")
            .maybe_hint(suggest::did_you_mean(text, words()))
    })
}
