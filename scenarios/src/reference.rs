//! The format's documentation, made from the tables that files are read with.

use std::fmt::Write;

use crate::{
    metrics::{self, Unit},
    section::{KeyPresence, KeySchema, SECTIONS, Section},
    tree::{self, SourceSpan},
};

const INTRODUCTION: &str = include_str!("reference/introduction.md");
const EXAMPLE: &str = include_str!("reference/example.toml");
const METRICS: &str = include_str!("reference/metrics.md");

/// The scenario reference, as Markdown: every table and key with what it takes,
/// and every metric that a gate can name.
pub fn markdown() -> String {
    let mut page = format!("{INTRODUCTION}\n```toml\n{EXAMPLE}```\n");
    for section in SECTIONS {
        write_section(&mut page, section);
    }
    page.push('\n');
    page.push_str(METRICS);
    write_metrics(&mut page);
    page
}

fn write_section(page: &mut String, section: &Section) {
    let (title, about) = match section.header {
        "" => ("Top level".to_owned(), "Keys before the first table."),
        header => (format!("`{header}`"), section.about),
    };
    page.push_str(&format!("\n## {title}\n\n{about}\n\n"));
    page.push_str("| key | takes | without it | meaning |\n|---|---|---|---|\n");
    for key in section.keys {
        let (form, presence) = (escape_cell(&key.value_type.expected()), default_cell(key));
        page.push_str(&format!(
            "| `{}` | {form} | {presence} | {} |\n",
            key.name,
            escape_cell(key.about)
        ));
    }
}

fn default_cell(key: &KeySchema) -> String {
    match key.presence {
        KeyPresence::Required => "**required**".to_owned(),
        KeyPresence::Optional => "—".to_owned(),
        KeyPresence::Default("{}") => "its own defaults".to_owned(),
        KeyPresence::Default(text @ ("true" | "false")) => format!("`{text}`"),
        KeyPresence::Default(text) => {
            let item = tree::parse_value(text, &SourceSpan::SetArgument(0));
            format!("`{}`", item.display_redacted())
        }
    }
}

fn write_metrics(page: &mut String) {
    page.push_str("| metric | unit | `during` | meaning |\n|---|---|---|---|\n");
    for figure in metrics::all() {
        let during = if figure.is_windowed() { "yes" } else { "no" };
        let (path, unit) = (&figure.path, figure.unit.name());
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{path}` | {unit} | {during} | {} |",
            escape_cell(&figure.about)
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

/// Text that does not end its cell.
fn escape_cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_valid() {
        let plan = crate::parse("example.toml", EXAMPLE, &[]);
        assert_eq!(
            plan.map(|plan| plan.sockets())
                .map_err(|problems| problems.to_string()),
            Ok(2_400)
        );
    }
}
