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
    /// Returns a passage, or `None` if the lines hold no words besides code.
    pub(crate) fn new(kind: PassageKind, line: usize, lines: &[&str]) -> Option<Self> {
        let text = without_code(&lines.join(" "));
        let has_words = text.chars().any(char::is_alphabetic);
        has_words.then_some(Self { kind, line, text })
    }
}

/// A collector that joins consecutive lines of one kind to passages.
#[derive(Default)]
pub(crate) struct PassageCollector<'t> {
    passages: Vec<Passage>,
    open: Option<(PassageKind, usize, Vec<&'t str>)>,
}

impl<'t> PassageCollector<'t> {
    /// Appends a line to the open passage of its kind, or opens one.
    pub(crate) fn push(&mut self, kind: PassageKind, line: usize, text: &'t str) {
        match &mut self.open {
            Some((open_kind, _, lines)) if *open_kind == kind => lines.push(text),
            _ => {
                self.close();
                self.open = Some((kind, line, vec![text]));
            }
        }
    }

    /// Ends the open passage.
    pub(crate) fn close(&mut self) {
        if let Some((kind, line, lines)) = self.open.take() {
            self.passages.extend(Passage::new(kind, line, &lines));
        }
    }

    /// Returns all passages.
    pub(crate) fn finish(mut self) -> Vec<Passage> {
        self.close();
        self.passages
    }
}

/// Replaces each span between backticks by `code`, which counts as one word.
fn without_code(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (index, part) in text.split('`').enumerate() {
        // Odd parts stand between backticks.
        match index % 2 {
            0 => plain.push_str(part),
            _ => plain.push_str("`code`"),
        }
    }
    plain
}
