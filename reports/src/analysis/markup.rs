//! The readable text of an answer in HTML or XML, such as an error page of a proxy.

/// Elements whose content no person reads.
const NOT_READ: [&str; 2] = ["script", "style"];

/// Returns the text of an answer without its markup; `None` for text that is not markup, and
/// for markup without text. The answer may be cut off anywhere.
pub(super) fn text_of_markup(answer: &str) -> Option<String> {
    if !answer.trim_start().starts_with('<') {
        return None;
    }
    let mut words: Vec<&str> = Vec::new();
    let mut rest = answer;
    while let Some((text, tag_on)) = rest.split_once('<') {
        words.extend(text.split_whitespace());
        // A tag that is cut off has no end.
        let Some((tag, after)) = tag_on.split_once('>') else {
            rest = "";
            break;
        };
        rest = match is_not_read(tag) {
            true => after.find("</").map_or("", |end| &after[end..]),
            false => after,
        };
    }
    words.extend(rest.split_whitespace());
    // The mark of a cut stands alone where it follows a tag.
    let has_text = words.iter().any(|word| *word != "…");
    has_text.then(|| words.join(" "))
}

fn is_not_read(tag: &str) -> bool {
    let name = tag.split_whitespace().next().unwrap_or_default();
    NOT_READ
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_dropped_and_other_text_is_left_alone() {
        for (answer, text) in [
            ("token expired", None),
            ("{\"error\":\"a < b\"}", None),
            ("", None),
            ("<html>", None),
            ("<html><body …", None),
            (
                "<!DOCTYPE HTML> <html lang=\"en\"> <title>Error</title> <p>Error code: 404</p> <p>File not f…",
                Some("Error Error code: 404 File not f…"),
            ),
            (
                "<head><style>p { color: red }</style></head><p>Sorry</p><ul><li><a href=…",
                Some("Sorry"),
            ),
            ("<script>if (a < b)", None),
            (
                "<?xml version=\"1.0\"?><Error><Code>Denied</Code></Error>",
                Some("Denied"),
            ),
        ] {
            assert_eq!(text_of_markup(answer).as_deref(), text, "{answer}");
        }
    }
}
