//! Passages of Markdown pages, templates and scenarios.

use super::passage::{Passage, PassageCollector, PassageKind};

/// Returns the paragraphs of a page. Blank lines, headings, list entries and table rows
/// end one. In a scenario, only the comments are prose.
pub(crate) fn passages(path: &str, text: &str) -> Vec<Passage> {
    let is_toml = path.ends_with(".toml");
    let mut passages = PassageCollector::default();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with("```") {
            in_code = !in_code;
        }
        let prose = match is_toml {
            true => line.strip_prefix('#').map(str::trim),
            false => (!in_code && !is_markup(line)).then_some(line),
        };
        let prose = prose.filter(|prose| !prose.is_empty());
        // An entry may end without a full stop, so two entries must not become one sentence.
        if prose.is_none_or(starts_passage) {
            passages.close();
        }
        if let Some(prose) = prose {
            passages.push(PassageKind::Paragraph, index + 1, prose);
        }
    }
    passages.finish()
}

/// Whether a line is a fence, or a line of a template with tags or statements alone.
fn is_markup(line: &str) -> bool {
    line.starts_with("```") || line.starts_with(['<', '{', '}', '.', '@'])
}

fn starts_passage(line: &str) -> bool {
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['#', '|', '>'])
        || line.starts_with("- ")
        || line.starts_with("* ")
        || (numbered.len() < line.len() && numbered.starts_with(". "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<String> {
        let passages = passages(path, text);
        passages.into_iter().map(|passage| passage.text).collect()
    }

    #[test]
    fn paragraph_and_list_entry_are_passages_and_code_is_left_out() {
        let page = "# Head\n\nOne\ntwo.\n- three\n  four\n- five\n```\nwhoever\n```\n";
        assert_eq!(
            texts("a.md", page),
            ["# Head", "One two.", "- three four", "- five"]
        );
    }

    #[test]
    fn scenario_has_passages_in_its_comments_alone() {
        let scenario = "# A node.\n# It ends.\nname = \"whoever\"\n";
        assert_eq!(texts("a.toml", scenario), ["A node. It ends."]);
    }
}
