//! The rows in Markdown.

use std::fmt;

use super::{
    latency::Latency,
    load::Load,
    row::{Measurement, Row},
    target::Target,
};
use crate::bench::{
    cells::{cell, cells_of_failure},
    measured::Measured,
};

/// The head of the table.
const HEAD: &str = "\
| tool | sockets at the server | opened/s | memory, total | memory per socket | CPU per heartbeat \
| reported p99 | reported max | due p99 | due max |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";
/// The columns behind the tool.
const COLUMNS: usize = 9;
/// The comparison with everything that its figures belong to.
pub(super) struct Table {
    /// The circumstances.
    pub(super) measured: Measured,
    /// The load.
    pub(super) load: Load,
    /// The tools.
    pub(super) rows: Vec<Row>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = match self.load.target {
            Target::Json => "the Python server of examples/targets/json-heartbeat",
            Target::Node => "the reference node",
        };
        writeln!(
            f,
            "{}: {} sockets, heartbeats every {} s, {} s with all sockets open, against \
             {server}.\n",
            self.measured,
            self.load.sockets,
            self.load.interval.as_secs(),
            self.load.steady.as_secs(),
        )?;
        f.write_str(HEAD)?;
        for row in &self.rows {
            let version = row.version.as_deref().unwrap_or_default();
            write!(f, "| {} |", format!("{} {version}", row.tool).trim_end())?;
            match &row.outcome {
                Ok(figures) => writeln!(f, " {} |", cells(figures).join(" | "))?,
                Err(reason) => writeln!(f, " {} |", cells_of_failure(reason, COLUMNS))?,
            }
        }
        Ok(())
    }
}

fn cells(figures: &Measurement) -> [String; COLUMNS] {
    let Latency { p99_ms, max_ms } = figures.reported;
    let due = figures.due;
    [
        figures.sockets.to_string(),
        cell(figures.opened_per_s, |rate| format!("{rate:.0}")),
        format!("{:.0} MiB", figures.rss_bytes as f64 / 1024.0 / 1024.0),
        cell(figures.rss_bytes_per_socket, |bytes| {
            format!("{:.1} KiB", bytes / 1024.0)
        }),
        cell(figures.cpu_us_per_heartbeat, |us| format!("{us:.0} µs")),
        cell(p99_ms, milliseconds),
        cell(max_ms, milliseconds),
        cell(due.p99_ms, milliseconds),
        cell(due.max_ms, milliseconds),
    ]
}

fn milliseconds(ms: f64) -> String {
    match ms {
        ..10.0 => format!("{ms:.1} ms"),
        _ => format!("{ms:.0} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figure_that_was_not_measured_is_a_dash_and_never_zero() {
        let figures = Measurement {
            sockets: 5000,
            opened_per_s: None,
            rss_bytes: 3 << 20,
            rss_bytes_per_socket: Some(1536.0),
            cpu_us_per_heartbeat: None,
            reported: Latency {
                p99_ms: None,
                max_ms: Some(1479.6),
            },
            due: Latency {
                p99_ms: Some(0.0),
                max_ms: None,
            },
        };
        let expected = [
            "5000", "–", "3 MiB", "1.5 KiB", "–", "–", "1480 ms", "0.0 ms", "–",
        ];
        assert_eq!(cells(&figures), expected);
    }
}
