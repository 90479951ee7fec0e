//! Text for a terminal, in lines of at most 80 columns.

/// Columns of a page.
pub const WIDTH: usize = 80;
/// Columns before everything except headings.
pub const INDENT: usize = 2;

/// Text being laid out.
#[derive(Debug, Default)]
pub struct TextLayout {
    text: String,
}

impl TextLayout {
    /// Adds a line at the margin, after an empty one.
    pub fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds an indented line, which the caller laid out in `WIDTH - INDENT` columns.
    pub fn line(&mut self, text: &str) {
        let line = format!("{:INDENT$}{text}", "");
        // Labels are padded, and a text may end in spaces.
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Adds indented text, wrapped.
    pub fn paragraph(&mut self, text: &str) {
        self.label_right("", 0, text);
    }

    /// Adds a label, right-aligned in `width` columns, and wrapped text beside it.
    pub fn label_right(&mut self, label: &str, width: usize, text: &str) {
        self.label_and_text(&format!("{label:>width$}"), width, text);
    }

    /// Adds a label, left-aligned in `width` columns, and wrapped text beside it.
    pub fn label_left(&mut self, label: &str, width: usize, text: &str) {
        self.label_and_text(label, width, text);
    }

    /// Returns the whole text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    fn label_and_text(&mut self, label: &str, width: usize, text: &str) {
        // Plain paragraphs have no column of labels.
        let gap = if width == 0 { 0 } else { 2 };
        let indent = INDENT + width + gap;
        let mut first = true;
        for line in wrap(text, WIDTH - indent) {
            let label = if first { label } else { "" };
            self.line(&format!("{label:<width$}{:gap$}{line}", ""));
            first = false;
        }
    }
}

/// Breaks text into lines of at most `width` characters; a longer word is cut.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let words = text.split_whitespace();
    for word in words.flat_map(|word| split_word(word, width)) {
        // In characters, because names and arrows are more than one byte.
        let taken = line.chars().count();
        if taken > 0 && taken + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

fn split_word(word: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    characters
        .chunks(width)
        .map(|part| part.iter().collect())
        .collect()
}
