//! Passages of Markdown pages, templates and scenarios.

use super::passage::{Passage, PassageKind};

/// The paragraphs of a page: blank lines, headings, list entries and table rows end
/// one. Of a scenario only the comments are prose.
pub(crate) fn passages(path: &str, text: &str) -> Vec<Passage> {
    let is_toml = path.ends_with(".toml");
    let mut passages = Vec::new();
    let mut open: (usize, Vec<&str>) = (0, Vec::new());
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
        let Some(prose) = prose.filter(|prose| !prose.is_empty()) else {
            close(&mut passages, &mut open);
            continue;
        };
        if starts_passage(prose) {
            close(&mut passages, &mut open);
        }
        if open.1.is_empty() {
            open.0 = index + 1;
        }
        open.1.push(prose);
    }
    close(&mut passages, &mut open);
    passages
}

fn close(passages: &mut Vec<Passage>, open: &mut (usize, Vec<&str>)) {
    let lines = std::mem::take(&mut open.1);
    passages.extend(Passage::new(PassageKind::Paragraph, open.0, &lines));
}

/// Fences, and lines of templates that hold tags or statements alone.
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
    fn lists_and_paragraphs_are_passages_and_code_is_none() {
        let page = "# Head\n\nOne\ntwo.\n- three\n  four\n- five\n```\nwhoever\n```\n";
        assert_eq!(
            texts("a.md", page),
            ["# Head", "One two.", "- three four", "- five"]
        );
    }

    #[test]
    fn only_comments_of_a_scenario_are_prose() {
        let scenario = "# A node.\n# It ends.\nname = \"whoever\"\n";
        assert_eq!(texts("a.toml", scenario), ["A node. It ends."]);
    }
}
