//! The line of a file that a problem is on, with the marked part.

use std::{fmt, ops::Range};

use highwater_types::format::is_invisible;

/// Characters that a message shows of a long line.
const MAX_CHARS: usize = 100;

/// A line of a file, cut to a readable length, and its marked part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    line: String,
    caret: Range<usize>,
}

impl Excerpt {
    /// Returns line and column of a byte range, both from 1, and the line's text.
    /// A range beyond the text or inside a character stands for the nearest place.
    pub(super) fn locate(text: &str, range: Range<usize>) -> (usize, usize, Self) {
        let start = text.floor_char_boundary(range.start);
        let end = text.floor_char_boundary(range.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..]
            .find('\n')
            .map_or(text.len(), |newline| start + newline);
        // A file with CRLF ends its lines in a character that would break the output.
        let line = text[line_start..line_end].trim_end_matches('\r');
        let before = text[line_start..start].chars().count();
        // Only the part on the first line, because the excerpt has one line.
        let marked = text[start..end.min(line_end).max(start)].chars().count();
        let excerpt = Self::truncate(line, before, marked);
        (line_of(text, start), before + 1, excerpt)
    }

    fn truncate(line: &str, before: usize, marked: usize) -> Self {
        // A mark far to the right comes to the middle; otherwise the line's start helps more.
        let skipped = match before + marked {
            ..=MAX_CHARS => 0,
            _ => before.saturating_sub(MAX_CHARS / 2),
        };
        let line: String = line
            .chars()
            .skip(skipped)
            .take(MAX_CHARS)
            .map(replace_invisible)
            .collect();
        let start = before - skipped;
        // At least one caret, also at the end of the line or in an empty one.
        let end = (start + marked.max(1)).min(line.chars().count().max(start + 1));
        Self {
            line,
            caret: start..end,
        }
    }

    /// Writes the line beside its number, with carets below it, and returns the width of
    /// the column that holds the number.
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

/// Returns the line, from 1, that a byte offset is on.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    let before = &text[..text.floor_char_boundary(offset)];
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// Returns a character of one column, so that the carets stand below their part.
fn replace_invisible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if is_invisible(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}
