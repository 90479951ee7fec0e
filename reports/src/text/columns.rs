//! Lines that fit a terminal.

/// Columns of a line. The narrowest supported terminal has 80, and some wrap in the last one.
pub(super) const WIDTH: usize = 79;

/// Wraps text at [`WIDTH`] columns between words. All lines except the first are indented.
/// At most `most` lines are returned, the last with an ellipsis where text was left out.
pub(crate) fn wrapped(text: &str, indent: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        // Characters stand for columns; the texts have no wide ones.
        let fits = line + usize::from(line > 0) + word.chars().count() <= WIDTH;
        match lines.last_mut() {
            Some(line) if fits || line.trim().is_empty() => {
                if !line.is_empty() && !line.ends_with(' ') {
                    line.push(' ');
                }
                line.push_str(word);
            }
            _ => lines.push(" ".repeat(indent) + word),
        }
    }
    // The report has the whole text.
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = truncate_to_width(&format!("{last} …"));
        }
    }
    lines.iter().map(|line| truncate_to_width(line)).collect()
}

/// Aligns the cells of rows in columns: to the left where `is_left` holds for the column's
/// number, otherwise to the right.
pub(crate) fn aligned(rows: &[Vec<String>], is_left: impl Fn(usize) -> bool) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match is_left(column) {
            true => format!("{cell:<width$}"),
            false => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        // The last column must not keep the blanks that pad it.
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Truncates a line to [`WIDTH`] columns.
pub(super) fn truncate_to_width(line: &str) -> String {
    match line.chars().count() > WIDTH {
        true => line.chars().take(WIDTH - 1).chain(['…']).collect(),
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_never_wider_than_the_terminal() {
        let text = "word ".repeat(60);
        let lines = wrapped(text.trim(), 4, 2);
        assert_eq!(lines.len(), 2);
        assert!(
            lines.iter().all(|line| line.chars().count() <= WIDTH),
            "{lines:?}"
        );
        assert!(
            lines[1].starts_with("    word") && lines[1].ends_with('…'),
            "{lines:?}"
        );
        assert_eq!(wrapped("short", 4, 2), ["short"]);
        assert_eq!(wrapped(&"x".repeat(200), 4, 2)[0].chars().count(), WIDTH);
    }
}
