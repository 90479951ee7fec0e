//! Text from elsewhere without the characters that act on a terminal or reorder a line.

use std::borrow::Cow;

/// Returns `text` with `\u{…}` in place of control characters, of marks of the writing
/// direction and of characters without a width. Line feeds and tabs stay.
///
/// A name, a reason or an answer of another process may hold any character. ESC moves the
/// cursor of a terminal, and U+202E shows the rest of a line from right to left.
pub fn escape_controls(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts_on_display) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match acts_on_display(c) {
            true => escaped.extend(c.escape_unicode()),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character changes how others are shown, or shows nothing itself.
fn acts_on_display(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Unicode Standard Annex #9, section 2: the explicit marks of direction.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => true,
        '\u{2066}'..='\u{2069}' => true,
        // Line separators, and characters without a width. The joiners U+200C and U+200D stay,
        // because scripts and emoji need them.
        '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => true,
        // Annotations and tags, which no terminal shows.
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_act_on_a_display_are_escaped() {
        for (text, shown) in [
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\rb\u{7}", "a\\u{d}b\\u{7}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("n\u{202e}1", "n\\u{202e}1"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
        ] {
            assert_eq!(escape_controls(text), shown);
        }
    }

    #[test]
    fn ordinary_text_is_borrowed() {
        for text in ["", "a\tb\nc", "50 %, 3\u{a0}ms – ü 日本 é", "👩\u{200d}💻"] {
            assert!(matches!(escape_controls(text), Cow::Borrowed(same) if same == text));
        }
    }
}
