//! The table of nodes. More of them than there is room for are summed up: the
//! first few, how many more, and the least, the median and the most.

use std::collections::BTreeMap;

use highwater_loadgen::coordinator::progress::NodeProgress;
use highwater_types::format::{
    count,
    live::{bytes, percent},
};

use super::styled_line::{StyledLine, columns, cut};
use crate::paint::Tone;

/// Columns of a node's name.
const NAME: usize = 8;
/// Lines of the summing up: how many more, least, median, most.
const SUMMARY: usize = 4;
/// The mark of a value that was not measured.
const ABSENT: &str = "–";

/// A column: its title, its least width, and what it shows of a node.
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

/// The table in at most `width` columns and `height` lines.
pub(crate) fn node_table(
    nodes: &BTreeMap<String, NodeProgress>,
    width: usize,
    height: usize,
) -> Vec<StyledLine> {
    let mut nodes: Vec<(&str, &NodeProgress)> =
        nodes.iter().map(|(id, node)| (id.as_str(), node)).collect();
    nodes.sort_by_key(|(id, _)| natural_sort_key(id));
    let rows = height.saturating_sub(1);
    if nodes.is_empty() || rows == 0 {
        return Vec::new();
    }
    let shown = match nodes.len() <= rows {
        true => nodes.len(),
        false => rows.saturating_sub(SUMMARY),
    };
    let mut lines = vec![title(width)];
    lines.extend(nodes[..shown].iter().map(|(id, node)| row(id, node, width)));
    if shown < nodes.len() {
        lines.push(more(&nodes, shown));
        lines.extend(summary(&nodes, width));
    }
    lines.truncate(height);
    lines
}

fn title(width: usize) -> StyledLine {
    let start = StyledLine::of(Tone::Faint, format!("{:<NAME$}  {:<4}", "node", "up"));
    COLUMNS.iter().fold(start, |line, column| {
        let title = format!("  {:>1$}", column.title, column.width);
        line.with_if_it_fits(width, Tone::Faint, &title)
    })
}

fn row(id: &str, node: &NodeProgress, width: usize) -> StyledLine {
    let name = cut(id, NAME);
    let padding = " ".repeat(NAME - columns(&name));
    let (tone, up) = match node.up {
        Some(true) => (Tone::Plain, "yes"),
        Some(false) => (Tone::Bad, "no"),
        None => (Tone::Faint, ABSENT),
    };
    let start =
        StyledLine::of(Tone::Plain, format!("{name}{padding}  ")).with(tone, format!("{up:<4}"));
    cells(start, width, Tone::Plain, |column| (column.value)(node))
}

fn more(nodes: &[(&str, &NodeProgress)], shown: usize) -> StyledLine {
    let hidden = &nodes[shown..];
    let down = hidden.iter().filter(|(_, node)| node.up == Some(false));
    let number = count(hidden.len() as u64);
    let line = match shown {
        0 => StyledLine::of(Tone::Faint, format!("{number} nodes")),
        _ => StyledLine::of(Tone::Faint, format!("… and {number} more")),
    };
    match down.count() {
        0 => line,
        down => line.with(Tone::Bad, format!(", {} not up", count(down as u64))),
    }
}

/// Over all nodes, those shown included.
fn summary(nodes: &[(&str, &NodeProgress)], width: usize) -> Vec<StyledLine> {
    let quantile = |column: &NodeColumn, at: fn(usize) -> usize| {
        let mut values: Vec<f64> = nodes
            .iter()
            .filter_map(|(_, node)| (column.value)(node))
            .collect();
        values.sort_by(f64::total_cmp);
        values.get(at(values.len())).copied()
    };
    let line = |name: &str, at: fn(usize) -> usize| {
        let start = StyledLine::of(Tone::Faint, format!("{name:<NAME$}  {:<4}", ""));
        cells(start, width, Tone::Plain, |column| quantile(column, at))
    };
    vec![
        line("least", |_| 0),
        line("median", |length| length / 2),
        line("most", |length| length.saturating_sub(1)),
    ]
}

fn cells(
    start: StyledLine,
    width: usize,
    tone: Tone,
    value: impl Fn(&NodeColumn) -> Option<f64>,
) -> StyledLine {
    COLUMNS.iter().fold(start, |line, column| {
        let text = value(column).map_or_else(|| ABSENT.to_owned(), column.show);
        let cell = format!("  {text:>0$}", column.width);
        line.with_if_it_fits(width, tone, &cell)
    })
}

/// Orders `n2` before `n10`.
fn natural_sort_key(id: &str) -> (&str, u64, &str) {
    let name = id.trim_end_matches(|c: char| c.is_ascii_digit());
    (name, id[name.len()..].parse().unwrap_or(0), id)
}
