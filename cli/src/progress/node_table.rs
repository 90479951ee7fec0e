//! The table of nodes. If there is no room for all of them, it shows the first few, how
//! many more there are, and the least, the median and the most.

use std::collections::BTreeMap;

use console::{measure_text_width, truncate_str};
use highwater_loadgen::coordinator::progress::NodeProgress;
use highwater_types::format::{
    count,
    live::{bytes, percent},
};

use crate::paint::{BAD, FAINT, push_if_fits};

/// Columns of a node's name.
const NAME_COLUMNS: usize = 8;
/// Lines of the summary: how many more, least, median, most.
const SUMMARY_LINES: usize = 4;
/// The mark of a value that was not measured.
const ABSENT: &str = "–";

/// A column: its title, its least width, and the value that it shows of a node.
struct NodeColumn {
    title: &'static str,
    width: usize,
    value: fn(&NodeProgress) -> Option<f64>,
    show: fn(f64) -> String,
}

/// The columns in the order of their importance. A narrow terminal drops columns from
/// the end.
const COLUMNS: [NodeColumn; 5] = [
    NodeColumn {
        title: "sockets",
        width: 7,
        value: |node| node.sockets.map(|value| value as f64),
        show: |value| count(value as u64),
    },
    NodeColumn {
        title: "RSS",
        width: 8,
        value: |node| node.rss.map(|value| value as f64),
        show: |value| bytes(value as u64),
    },
    NodeColumn {
        title: "heap",
        width: 8,
        value: |node| node.heap.map(|value| value as f64),
        show: |value| bytes(value as u64),
    },
    NodeColumn {
        title: "files",
        width: 6,
        value: |node| node.open_files.map(|value| value as f64),
        show: |value| count(value as u64),
    },
    NodeColumn {
        title: "CPU",
        width: 5,
        value: |node| node.cpu,
        show: percent,
    },
];

/// Returns the table in at most `width` columns and `height` lines.
pub(crate) fn node_table(
    nodes: &BTreeMap<String, NodeProgress>,
    width: usize,
    height: usize,
) -> Vec<String> {
    let mut nodes: Vec<(&str, &NodeProgress)> =
        nodes.iter().map(|(id, node)| (id.as_str(), node)).collect();
    nodes.sort_by_key(|(id, _)| natural_sort_key(id));
    // The title takes a line.
    let rows = height.saturating_sub(1);
    if nodes.is_empty() || rows == 0 {
        return Vec::new();
    }
    let shown = match nodes.len() <= rows {
        true => nodes.len(),
        false => rows.saturating_sub(SUMMARY_LINES),
    };
    let title = FAINT.apply_to(format!("{:<NAME_COLUMNS$}  {:<4}", "node", "up"));
    let mut lines = vec![row(title.to_string(), width, |column| {
        FAINT.apply_to(column.title).to_string()
    })];
    let rows = nodes[..shown].iter();
    lines.extend(rows.map(|(id, node)| node_row(id, node, width)));
    if shown < nodes.len() {
        lines.push(hidden_line(&nodes[shown..], shown));
        lines.extend(summary(&nodes, width));
    }
    // In a very small terminal, the summary alone is higher than the table may be.
    lines.truncate(height);
    lines
}

fn node_row(id: &str, node: &NodeProgress, width: usize) -> String {
    let name = truncate_str(id, NAME_COLUMNS, "…");
    // Padded by columns: a format width counts characters.
    let padding = " ".repeat(NAME_COLUMNS - measure_text_width(&name));
    let up = match node.up {
        Some(true) => "yes ".to_owned(),
        Some(false) => BAD.apply_to("no  ").to_string(),
        None => FAINT.apply_to(format!("{ABSENT:<4}")).to_string(),
    };
    let start = format!("{name}{padding}  {up}");
    row(start, width, |column| column.cell((column.value)(node)))
}

/// Returns the line about the nodes without a line of their own, of which some may be down.
fn hidden_line(hidden: &[(&str, &NodeProgress)], shown: usize) -> String {
    let number = count(hidden.len() as u64);
    let line = match shown {
        0 => FAINT.apply_to(format!("{number} nodes")),
        _ => FAINT.apply_to(format!("… and {number} more")),
    };
    let down = hidden.iter().filter(|(_, node)| node.up == Some(false));
    match down.count() {
        0 => line.to_string(),
        down => {
            let down = BAD.apply_to(format!(", {} not up", count(down as u64)));
            format!("{line}{down}")
        }
    }
}

/// Returns the least, the median and the most over all nodes, those shown included.
fn summary(nodes: &[(&str, &NodeProgress)], width: usize) -> [String; 3] {
    [("least", 0.0), ("median", 0.5), ("most", 1.0)].map(|(name, quantile)| {
        let start = FAINT.apply_to(format!("{name:<NAME_COLUMNS$}  {:<4}", ""));
        row(start.to_string(), width, |column| {
            let nodes = nodes.iter();
            let mut values: Vec<_> = nodes.filter_map(|(_, node)| (column.value)(node)).collect();
            values.sort_by(f64::total_cmp);
            let last = values.len().saturating_sub(1);
            column.cell(
                values
                    .get((last as f64 * quantile).round() as usize)
                    .copied(),
            )
        })
    })
}

/// Appends a cell for each column that fits `width`.
fn row(mut line: String, width: usize, text: impl Fn(&NodeColumn) -> String) -> String {
    for column in &COLUMNS {
        let text = text(column);
        // Padded by columns: the escape sequences of a style take none.
        let padding = " ".repeat(column.width.saturating_sub(measure_text_width(&text)));
        let cell = format!("  {padding}{text}");
        push_if_fits(&mut line, width, &cell);
    }
    line
}

impl NodeColumn {
    fn cell(&self, value: Option<f64>) -> String {
        value.map_or_else(|| ABSENT.to_owned(), self.show)
    }
}

/// Orders `n2` before `n10`.
fn natural_sort_key(id: &str) -> (&str, u64, &str) {
    let name = id.trim_end_matches(|c: char| c.is_ascii_digit());
    // An id without digits, or with more than a u64 holds, counts as number 0.
    (name, id[name.len()..].parse().unwrap_or(0), id)
}
