//! The format's documentation, made from the tables that files are read with.

use std::fmt::Write;

use crate::{
    metrics::{self, Unit},
    section::{Key, Presence, SECTIONS, Section},
    tree::{self, Origin},
};

const INTRODUCTION: &str = include_str!("reference/introduction.md");
const EXAMPLE: &str = include_str!("reference/example.toml");
const FIGURES: &str = include_str!("reference/figures.md");

/// The scenario reference, as Markdown: every table and key with what it takes,
/// and every figure that a gate can name.
pub fn markdown() -> String {
    let mut page = format!("{INTRODUCTION}\n```toml\n{EXAMPLE}```\n");
    for section in SECTIONS {
        write_section(&mut page, section);
    }
    page.push('\n');
    page.push_str(FIGURES);
    write_figures(&mut page);
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
        let (form, presence) = (cell(&key.form.accepted()), presence(key));
        page.push_str(&format!(
            "| `{}` | {form} | {presence} | {} |\n",
            key.name,
            cell(key.about)
        ));
    }
}

fn presence(key: &Key) -> String {
    match key.presence {
        Presence::Required => "**required**".to_owned(),
        Presence::Optional => "—".to_owned(),
        Presence::Default("{}") => "its own defaults".to_owned(),
        Presence::Default(text @ ("true" | "false")) => format!("`{text}`"),
        Presence::Default(text) => {
            let item = tree::value(text, &Origin::Set(0));
            format!("`{}`", item.found())
        }
    }
}

fn write_figures(page: &mut String) {
    page.push_str("| figure | unit | `during` | meaning |\n|---|---|---|---|\n");
    for figure in metrics::all() {
        let during = if figure.is_windowed() { "yes" } else { "no" };
        let (path, unit) = (&figure.path, figure.unit.name());
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{path}` | {unit} | {during} | {} |",
            cell(&figure.about)
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
        let _ = writeln!(page, "| {} | {} |", unit.name(), unit.accepted());
    }
}

/// Text that does not end its cell.
fn cell(text: &str) -> String {
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
