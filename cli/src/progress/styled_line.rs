//! One line of the live display: pieces of text, each in its tone.

use console::measure_text_width;

use crate::paint::{Tone, paint};

/// A line that knows its width before it is painted.
#[derive(Debug, Clone, Default)]
pub(crate) struct StyledLine {
    pieces: Vec<(Tone, String)>,
}

impl StyledLine {
    /// A line of one piece.
    pub(crate) fn of(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().with(tone, text)
    }

    /// The line with one more piece.
    pub(crate) fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.pieces.push((tone, text.into()));
        self
    }

    /// The line with one more piece if it still fits `width` columns.
    pub(crate) fn with_if_it_fits(self, width: usize, tone: Tone, text: &str) -> Self {
        match self.width() + columns(text) <= width {
            true => self.with(tone, text),
            false => self,
        }
    }

    /// Columns that it takes.
    pub(crate) fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| columns(text)).sum()
    }

    /// The line in at most `width` columns; what is cut off leaves a `…`.
    pub(crate) fn render(&self, width: usize, colour: bool) -> String {
        let mut text = String::new();
        let mut left = match self.width() <= width {
            true => width,
            false => width.saturating_sub(1),
        };
        for (tone, piece) in &self.pieces {
            if columns(piece) > left {
                if width > 0 {
                    text.push_str(&paint(&shortened(piece, left), *tone, colour));
                }
                break;
            }
            text.push_str(&paint(piece, *tone, colour));
            left -= columns(piece);
        }
        text
    }
}

/// Columns that a text takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    measure_text_width(text)
}

/// `text` in at most `width` columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    match columns(text) <= width {
        true => text.to_owned(),
        false => shortened(text, width.saturating_sub(1)),
    }
}

/// Cuts `text` to `width` columns, with `…` for the rest.
fn shortened(text: &str, width: usize) -> String {
    let mut short = String::new();
    for character in text.chars() {
        short.push(character);
        if columns(&short) > width {
            short.pop();
            break;
        }
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_wider_than_asked() {
        let line = StyledLine::of(Tone::Faint, "sockets ")
            .with(Tone::Plain, "1,000")
            .with(Tone::Bad, " missing");
        assert_eq!(line.render(80, false), "sockets 1,000 missing");
        assert_eq!(line.render(21, false), "sockets 1,000 missing");
        assert_eq!(line.render(20, false), "sockets 1,000 missi…");
        assert_eq!(line.render(13, false), "sockets 1,00…");
        for width in 0..30 {
            assert!(columns(&line.render(width, false)) <= width);
            assert!(columns(&line.render(width, true)) <= width);
        }
    }

    #[test]
    fn colour_only_when_asked() {
        let line = StyledLine::of(Tone::Bad, "down");
        assert_eq!(line.render(80, false), "down");
        assert!(line.render(80, true).contains("\x1b["));
    }
}
