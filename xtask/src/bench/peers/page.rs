//! The document that holds the table.

use std::fs;

use anyhow::{Context, Result, bail};

/// The document.
const PAGE: &str = "docs/peers.md";
/// The line where the table stands.
const MARKER: &str = "<!-- peers-table -->";
/// The line behind the table, which is written with it.
const END_MARKER: &str = "<!-- /peers-table -->";

/// Writes the table into the document.
///
/// # Errors
/// A message if the document cannot be read or written, or has no place for the table.
pub(super) fn write(table: &str) -> Result<()> {
    let page = fs::read_to_string(PAGE).with_context(|| format!("cannot read {PAGE}"))?;
    let page = replace(&page, table)?;
    fs::write(PAGE, page).with_context(|| format!("cannot write {PAGE}"))
}

/// Puts the table behind the marker, in place of an earlier table.
fn replace(page: &str, table: &str) -> Result<String> {
    let Some((before, after)) = page.split_once(MARKER) else {
        bail!("{PAGE} has no line {MARKER}\nhint: add the line where the table belongs");
    };
    let after = match after.split_once(END_MARKER) {
        Some((_earlier_table, after)) => after,
        None => after,
    };
    let table = table.trim_end();
    Ok(format!(
        "{before}{MARKER}\n\n{table}\n\n{END_MARKER}{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_table_replaces_the_earlier_one() {
        let page = "# Peers\n\n<!-- peers-table -->\n\nText.\n";
        let once = replace(page, "| a |\n").unwrap();
        assert_eq!(
            once,
            "# Peers\n\n<!-- peers-table -->\n\n| a |\n\n<!-- /peers-table -->\n\nText.\n"
        );
        let twice = replace(&once, "| b |\n").unwrap();
        assert_eq!(twice, once.replace("| a |", "| b |"));
    }

    #[test]
    fn page_without_the_marker_is_an_error() {
        assert!(replace("# Peers\n", "| a |").is_err());
    }
}
