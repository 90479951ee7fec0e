//! The line of a file that a problem is on, with the part that is meant.

use std::{fmt, ops::Range};

/// Characters of a long line that are shown.
const MAX_CHARS: usize = 100;

/// One line of a file, cut to a readable length, and the part that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    line: String,
    caret: Range<usize>,
}

impl Excerpt {
    /// Line and column of a byte range, both from 1, and the line's text.
    /// Ranges beyond the text or inside a character mean the nearest place.
    pub(super) fn locate(text: &str, range: Range<usize>) -> (usize, usize, Self) {
        let start = floor_char_boundary(text, range.start);
        let end = floor_char_boundary(text, range.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..]
            .find('\n')
            .map_or(text.len(), |newline| start + newline);
        let line = text[line_start..line_end].trim_end_matches('\r');
        let before = text[line_start..start].chars().count();
        let marked = text[start..end.min(line_end).max(start)].chars().count();
        let excerpt = Self::truncate(line, before, marked);
        (line_of(text, start), before + 1, excerpt)
    }

    fn truncate(line: &str, before: usize, marked: usize) -> Self {
        let skipped = before.saturating_sub(MAX_CHARS / 2);
        let skipped = if before + marked <= MAX_CHARS {
            0
        } else {
            skipped
        };
        let line: String = line
            .chars()
            .skip(skipped)
            .take(MAX_CHARS)
            .map(replace_control)
            .collect();
        let start = before - skipped;
        let end = (start + marked.max(1)).min(line.chars().count().max(start + 1));
        Self {
            line,
            caret: start..end,
        }
    }

    /// Writes the line under its number, with carets; returns the width of the
    /// column that holds the numbers.
    pub(super) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        number: usize,
    ) -> Result<usize, fmt::Error> {
        let gutter = number.to_string().len();
        let (indent, carets) = (" ".repeat(self.caret.start), "^".repeat(self.caret.len()));
        write!(f, "\n{:gutter$} |", "")?;
        write!(f, "\n{number} | {}", self.line)?;
        write!(f, "\n{:gutter$} | {indent}{carets}", "")?;
        Ok(gutter)
    }
}

/// The line, from 1, that a byte offset is on.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    let before = &text[..floor_char_boundary(text, offset)];
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let offset = offset.min(text.len());
    (0..=offset)
        .rev()
        .find(|offset| text.is_char_boundary(*offset))
        .unwrap_or(0)
}

/// Tabs and control characters take one column each.
fn replace_control(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}
