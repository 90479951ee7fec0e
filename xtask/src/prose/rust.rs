//! Passages of a Rust file.

use super::passage::{Passage, PassageKind};

/// Doc comments, comments and error messages, in order.
///
/// The file is read line by line: a comment that begins behind code is left out, and a
/// string that looks like a comment line does not occur in this workspace.
pub(crate) fn passages(source: &str) -> Vec<Passage> {
    let mut passages = Vec::new();
    let mut open: Option<(PassageKind, usize, Vec<&str>)> = None;
    let mut in_code = false;
    for (index, line) in source.lines().enumerate() {
        let comment = comment(line.trim());
        if comment.is_some_and(|(_, text)| text.trim_start().starts_with("```")) {
            in_code = !in_code;
            close(&mut passages, &mut open);
            continue;
        }
        match comment {
            Some((kind, text)) if !in_code && !is_break(text) => match &mut open {
                Some((open_kind, _, lines)) if *open_kind == kind => lines.push(text),
                _ => {
                    close(&mut passages, &mut open);
                    open = Some((kind, index + 1, vec![text]));
                }
            },
            Some(_) => close(&mut passages, &mut open),
            None => {
                in_code = false;
                close(&mut passages, &mut open);
                let message = error_message(line.trim());
                passages.extend(
                    message.and_then(|text| {
                        Passage::new(PassageKind::ErrorMessage, index + 1, &[text])
                    }),
                );
            }
        }
    }
    close(&mut passages, &mut open);
    passages
}

fn close(passages: &mut Vec<Passage>, open: &mut Option<(PassageKind, usize, Vec<&str>)>) {
    if let Some((kind, line, lines)) = open.take() {
        passages.extend(Passage::new(kind, line, &lines));
    }
}

fn comment(line: &str) -> Option<(PassageKind, &str)> {
    let doc = line.strip_prefix("///").or(line.strip_prefix("//!"));
    match doc {
        Some(text) => Some((PassageKind::DocComment, text.trim())),
        None => Some((PassageKind::Comment, line.strip_prefix("//")?.trim())),
    }
}

/// A blank line, a heading, a list entry or a table row ends the passage before it.
fn is_break(text: &str) -> bool {
    text.is_empty() || text.starts_with(['#', '-', '*', '|']) || text.starts_with("[`")
}

/// The text of `#[error("…")]` that stands on one line.
fn error_message(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("#[error(\"")?;
    rest.rfind('"').map(|end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doc_comment_lines_are_joined_and_code_is_masked() {
        let source = "/// The first line\n/// goes on with `let x`.\nfn f() {}\n// A reason.\n";
        let found = passages(source);
        assert_eq!(found[0].text, "The first line goes on with `code`.");
        assert_eq!((found[0].line, found[1].line), (1, 4));
        assert_eq!(found[1].kind, PassageKind::Comment);
    }

    #[test]
    fn code_blocks_are_left_out() {
        let source = "//! Words.\n//!\n//! ```text\n//! who ─► whoever\n//! ```\n//! More.\n";
        let texts: Vec<_> = passages(source).into_iter().map(|p| p.text).collect();
        assert_eq!(texts, ["Words.", "More."]);
    }

    #[test]
    fn error_messages_are_passages() {
        let found = passages("    #[error(\"cannot open {path}\")]\n");
        assert_eq!(found[0].kind, PassageKind::ErrorMessage);
        assert_eq!(found[0].text, "cannot open {path}");
    }
}
