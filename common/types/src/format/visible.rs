//! Text from elsewhere, in a form that shows all of it.

use std::borrow::Cow;

/// Whether a character has no shape of its own on a terminal or a page: control characters,
/// marks without width, and marks that change the direction of what follows. Line feeds and
/// tabs are not among them.
///
/// Such characters make a text look like another one (Unicode Technical Report 36).
pub fn is_invisible(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        // Without width, direction, and separators of lines.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        // Annotations and tags.
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        c => c.is_control(),
    }
}

/// Returns a text in which each invisible character is escaped, as in `\u{202e}`. Ends of
/// lines stay, also those of Windows.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let ends_line = c == '\r' && chars.peek() == Some(&'\n');
        match is_invisible(c) && !ends_line {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_escaped_and_others_stay() {
        for (text, shown) in [
            ("naïve — 日本語\n\tx", "naïve — 日本語\n\tx"),
            ("a\u{202e}b", r"a\u{202e}b"),
            ("\u{2066}\u{200b}\u{feff}", r"\u{2066}\u{200b}\u{feff}"),
            ("\u{1b}[31m\r", r"\u{1b}[31m\u{d}"),
            ("one\r\ntwo\r", "one\r\ntwo\\u{d}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }
}
