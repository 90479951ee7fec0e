//! The documentation of the format, made from the declarations that files are read with.

use std::fmt::Write;

use crate::{
    diagnostic::SourceSpan,
    metrics::{self, Unit},
    scenario::Scenario,
    section::{KeyPresence, KeySchema, ListSchema, Nested, Section, SectionSchema},
    text_layout::wrap,
    tree,
};

const INTRODUCTION: &str = include_str!("reference/introduction.md");
const EXAMPLE: &str = include_str!("reference/example.toml");
const METRICS: &str = include_str!("reference/metrics.md");

/// Columns of a paragraph, as in the other pages.
const WIDTH: usize = 96;

/// Returns the scenario reference as Markdown: every table and key with the form that it
/// accepts, and every metric that a gate can name.
pub fn markdown() -> String {
    let mut page = wrap_lines(INTRODUCTION);
    page.push_str(&format!("\n```toml\n{EXAMPLE}```\n"));
    write_section(&mut page, Scenario::schema());
    page.push('\n');
    page.push_str(&wrap_lines(METRICS));
    write_metrics(&mut page);
    page
}

/// Writes a table, then the tables below its keys.
fn write_section(page: &mut String, section: &SectionSchema) {
    let title = match section.header {
        "" => "Top level".to_owned(),
        header => format!("`{header}`"),
    };
    let heading = format!("\n## {title}\n");
    // Two keys may have tables of one form.
    if page.contains(&heading) {
        return;
    }
    page.push_str(&format!("{heading}\n{}\n", wrap_lines(section.about)));
    page.push_str("| key | takes | without it | meaning |\n|---|---|---|---|\n");
    for key in section.keys {
        page.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            key.name,
            escape_cell(&key.value_type.expected()),
            default_cell(section, key),
            escape_cell(key.about)
        ));
    }
    for key in section.keys {
        match key.nested() {
            Nested::Nothing => {}
            Nested::Table(section) | Nested::List(ListSchema { section, .. }) => {
                write_section(page, section)
            }
        }
    }
}

fn default_cell(section: &SectionSchema, key: &KeySchema) -> String {
    match key.presence {
        KeyPresence::Required => "**required**".to_owned(),
        KeyPresence::Optional => "—".to_owned(),
        // An empty table means the defaults of the keys in it.
        KeyPresence::Default("{}") => "its own defaults".to_owned(),
        // A truth value as it is written, without the words that messages add.
        KeyPresence::Default(text @ ("true" | "false")) => format!("`{text}`"),
        KeyPresence::Default(text) => {
            let item = tree::parse_value(text, &SourceSpan::FILE);
            format!("`{}`", item.display_redacted())
        }
        KeyPresence::Numbered => {
            // A numbered name begins with the key of its list.
            let list = section.header.trim_matches(['[', ']']);
            format!("`{list}-1`, `{list}-2`, … by its place in the file")
        }
    }
}

fn write_metrics(page: &mut String) {
    page.push_str("| metric | unit | `during` | meaning |\n|---|---|---|---|\n");
    for metric in metrics::all().chain(metrics::own_metric_forms()) {
        let during = if metric.is_windowed { "yes" } else { "no" };
        let (path, unit) = (&metric.path, metric.unit.name());
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{path}` | {unit} | {during} | {} |",
            escape_cell(&metric.about)
        );
    }
    page.push_str("\n| unit | a limit is written as |\n|---|---|\n");
    for unit in [
        Unit::Millis,
        Unit::Bytes,
        Unit::Count,
        Unit::Ratio,
        Unit::Share,
        Unit::PerSecond,
    ] {
        let _ = writeln!(page, "| {} | {} |", unit.name(), unit.expected());
    }
}

/// Breaks the long lines of paragraphs. A sentence begins a line of its own in the sources.
fn wrap_lines(text: &str) -> String {
    let lines = text.lines().flat_map(|line| match line.chars().next() {
        // A comment is indented by hand.
        None | Some('<' | ' ') => vec![line.to_owned()],
        Some(_) => wrap(line, WIDTH),
    });
    lines.map(|line| line + "\n").collect()
}

/// Escapes the character that would end a cell.
fn escape_cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_is_valid() {
        let plan = crate::parse("example.toml", EXAMPLE, &[]);
        assert_eq!(
            plan.map(|plan| plan.sockets())
                .map_err(|diagnostics| diagnostics.to_string()),
            Ok(2_400)
        );
    }
}
