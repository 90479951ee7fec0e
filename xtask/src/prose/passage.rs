//! A piece of prose and where it stands.

/// Consecutive lines of one kind of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) kind: PassageKind,
    /// Number of its first line, from 1.
    pub(crate) line: usize,
    /// The lines joined by spaces; code between backticks is replaced by `code`.
    pub(crate) text: String,
}

/// The kind of text, which decides the rules that apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassageKind {
    /// `///` or `//!`.
    DocComment,
    /// `//`.
    Comment,
    /// The text of an `#[error(…)]` attribute.
    ErrorMessage,
    /// A paragraph, a list entry or a table row of a page.
    Paragraph,
}

impl Passage {
    /// `None` if no words are left once the code is taken out.
    pub(crate) fn new(kind: PassageKind, line: usize, lines: &[&str]) -> Option<Self> {
        let text = without_code(&lines.join(" "));
        let has_words = text.chars().any(char::is_alphabetic);
        has_words.then_some(Self { kind, line, text })
    }
}

/// Replaces each span between backticks by `code`, which counts as one word.
fn without_code(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (index, part) in text.split('`').enumerate() {
        match index % 2 {
            0 => plain.push_str(part),
            _ => plain.push_str("`code`"),
        }
    }
    plain
}
