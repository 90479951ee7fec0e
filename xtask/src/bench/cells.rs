//! The cells of a comparison's table, in Markdown.

/// The cell of a figure that was not measured.
const NO_FIGURE: &str = "–";

/// The most characters of a reason in a cell.
const MAX_REASON_CHARS: usize = 120;

/// Returns the cell of a figure.
pub(in crate::bench) fn cell<T>(figure: Option<T>, format: impl Fn(T) -> String) -> String {
    figure.map_or_else(|| NO_FIGURE.to_owned(), format)
}

/// Returns the cells of a row without figures: the reason, and an empty cell for each further
/// column.
pub(in crate::bench) fn cells_of_failure(reason: &str, columns: usize) -> String {
    // A row is one line, and a log may hold anything.
    let line = reason.lines().next().unwrap_or_default();
    let line = line.replace('|', " ");
    let mut cells = vec![line.chars().take(MAX_REASON_CHARS).collect()];
    cells.resize(columns, NO_FIGURE.to_owned());
    cells.join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_one_cell_of_one_line() {
        let cells = cells_of_failure("failed: a | b\nsecond line", 3);
        assert_eq!(cells, "failed: a   b | – | –");
        let long = "x".repeat(500);
        assert_eq!(cells_of_failure(&long, 1).len(), MAX_REASON_CHARS);
    }
}
