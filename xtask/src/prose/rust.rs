//! Passages of a Rust file.

use super::passage::{Passage, PassageCollector, PassageKind};

/// Returns the doc comments, comments and error messages in order.
///
/// The file is read line by line. A comment that begins behind code is left out, and no
/// string of this workspace looks like a comment line.
pub(crate) fn passages(source: &str) -> Vec<Passage> {
    let mut passages = PassageCollector::default();
    let mut in_code = false;
    for (number, line) in (1..).zip(source.lines().map(str::trim)) {
        match comment(line) {
            Some((_, text)) if text.starts_with("```") => {
                in_code = !in_code;
                passages.close();
            }
            Some((kind, text)) if !in_code && !is_break(text) => passages.push(kind, number, text),
            Some(_) => passages.close(),
            None => {
                // An unclosed fence must not hide the rest of the file.
                in_code = false;
                passages.close();
                if let Some(text) = error_message(line) {
                    passages.push(PassageKind::ErrorMessage, number, text);
                    // Two errors in a row are two passages.
                    passages.close();
                }
            }
        }
    }
    passages.finish()
}

fn comment(line: &str) -> Option<(PassageKind, &str)> {
    // Before `//`, with which both begin.
    let doc = line.strip_prefix("///").or(line.strip_prefix("//!"));
    match doc {
        Some(text) => Some((PassageKind::DocComment, text.trim())),
        None => Some((PassageKind::Comment, line.strip_prefix("//")?.trim())),
    }
}

/// Whether a comment line ends the passage before it: it is blank, a heading, a list
/// entry, a table row or a link.
fn is_break(text: &str) -> bool {
    text.is_empty() || text.starts_with(['#', '-', '*', '|']) || text.starts_with("[`")
}

/// Returns the text of an `#[error("…")]` on one line.
fn error_message(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("#[error(\"")?;
    rest.rfind('"').map(|end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doc_comment_is_joined_and_its_code_masked() {
        let source = "/// The first line\n/// goes on with `let x`.\nfn f() {}\n// A reason.\n";
        let found = passages(source);
        assert_eq!(found[0].text, "The first line goes on with `code`.");
        assert_eq!((found[0].line, found[1].line), (1, 4));
        assert_eq!(found[1].kind, PassageKind::Comment);
    }

    #[test]
    fn code_block_is_left_out() {
        let source = "//! Words.\n//!\n//! ```text\n//! who ─► whoever\n//! ```\n//! More.\n";
        let texts: Vec<_> = passages(source).into_iter().map(|p| p.text).collect();
        assert_eq!(texts, ["Words.", "More."]);
    }

    #[test]
    fn error_message_is_a_passage() {
        let found = passages("    #[error(\"cannot open {path}\")]\n");
        assert_eq!(found[0].kind, PassageKind::ErrorMessage);
        assert_eq!(found[0].text, "cannot open {path}");
    }
}
