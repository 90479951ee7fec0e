//! The document that holds the table of a comparison.

use std::fs;

use anyhow::{Context, Result, bail};

/// A place for a table in a document.
#[derive(Debug, Clone, Copy)]
pub(in crate::bench) struct TablePlace {
    /// The document.
    pub(in crate::bench) page: &'static str,
    /// The table's name. It stands in the line before the table, `<!-- NAME -->`, and in the
    /// line behind it, `<!-- /NAME -->`.
    pub(in crate::bench) name: &'static str,
}

/// Shows the table, and writes it into its document if asked to.
///
/// # Errors
/// A message if the document cannot be read or written, or has no place for the table.
pub(in crate::bench) fn publish(place: TablePlace, table: &str, is_written: bool) -> Result<()> {
    eprintln!("\n{table}");
    match is_written {
        true => write(place, table),
        false => Ok(()),
    }
}

/// Writes the table into its document.
///
/// # Errors
/// A message if the document cannot be read or written, or has no place for the table.
fn write(place: TablePlace, table: &str) -> Result<()> {
    let path = place.page;
    let page = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let page = replace(&page, place, table)?;
    fs::write(path, page).with_context(|| format!("cannot write {path}"))
}

/// Puts the table behind the first of its lines, in place of an earlier table.
fn replace(page: &str, TablePlace { page: path, name }: TablePlace, table: &str) -> Result<String> {
    let marker = format!("<!-- {name} -->");
    let end_marker = format!("<!-- /{name} -->");
    let Some((before, after)) = page.split_once(&marker) else {
        bail!("{path} has no line {marker}\nhint: add the line where the table belongs");
    };
    let after = match after.split_once(&end_marker) {
        Some((_earlier_table, after)) => after,
        None => after,
    };
    let table = table.trim_end();
    Ok(format!(
        "{before}{marker}\n\n{table}\n\n{end_marker}{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: TablePlace = TablePlace {
        page: "docs/peers.md",
        name: "peers-table",
    };

    #[test]
    fn later_table_replaces_the_earlier_one() {
        let page = "# Peers\n\n<!-- peers-table -->\n\nText.\n";
        let once = replace(page, PLACE, "| a |\n").unwrap();
        assert_eq!(
            once,
            "# Peers\n\n<!-- peers-table -->\n\n| a |\n\n<!-- /peers-table -->\n\nText.\n"
        );
        let twice = replace(&once, PLACE, "| b |\n").unwrap();
        assert_eq!(twice, once.replace("| a |", "| b |"));
    }

    #[test]
    fn page_without_the_marker_is_an_error() {
        assert!(replace("# Peers\n", PLACE, "| a |").is_err());
    }
}
