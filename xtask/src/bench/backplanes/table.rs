//! The rows in Markdown.

use std::fmt;

use super::row::{Figures, Outage, Row};
use crate::bench::{
    cells::{cell, cells_of_failure},
    measured::Measured,
};

/// The head of the table.
const HEAD: &str = "\
| backplane | command p50 | command p99 | CPU of the nodes per command | CPU of the broker per command \
| list price of a million commands | deliveries | delivery p99 | an idle node's requests per hour | a node is killed | the broker is killed \
and returns after 5 s |
|---|--:|--:|--:|--:|--:|--:|--:|--:|---|---|
";
/// The columns behind the backplane.
const COLUMNS: usize = 10;

/// The comparison with everything that its figures belong to.
pub(super) struct Table {
    /// The circumstances.
    pub(super) measured: Measured,
    /// The backplanes.
    pub(super) rows: Vec<Row>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}.\n", self.measured)?;
        f.write_str(HEAD)?;
        for row in &self.rows {
            match &row.outcome {
                Ok(figures) => writeln!(f, "| {} | {} |", row.name, cells(figures).join(" | "))?,
                Err(reason) => {
                    let cells = cells_of_failure(reason, COLUMNS);
                    writeln!(f, "| {} | {cells} |", row.name)?;
                }
            }
        }
        Ok(())
    }
}

fn cells(figures: &Figures) -> [String; COLUMNS] {
    let milliseconds = |ms: f64| match ms {
        ..10.0 => format!("{ms:.2} ms"),
        _ => format!("{ms:.0} ms"),
    };
    let microseconds = |us: f64| format!("{us:.0} µs");
    [
        cell(figures.command_p50_ms, milliseconds),
        cell(figures.command_p99_ms, milliseconds),
        cell(figures.node_us_per_command, microseconds),
        cell(figures.broker_us_per_command, microseconds),
        cell(figures.usd_per_million_commands, |usd| {
            format!("{usd:.2} USD")
        }),
        cell(figures.deliveries_per_s, |rate| format!("{rate:.0}/s")),
        cell(figures.delivery_p99_ms, milliseconds),
        cell(figures.idle_requests_per_hour, |count| {
            format!("{count:.0}")
        }),
        cell(figures.node_kill, outage),
        cell(figures.broker_kill, outage),
    ]
}

fn outage(outage: Outage) -> String {
    let Outage {
        unreplied,
        issued,
        dropped_sockets,
    } = outage;
    format!("{unreplied} of {issued} commands, {dropped_sockets} sockets")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figure_that_was_not_measured_is_a_dash_and_never_zero() {
        let figures = Figures {
            command_p50_ms: Some(0.0),
            broker_us_per_command: Some(41.6),
            broker_kill: Some(Outage {
                unreplied: 3,
                issued: 4000,
                dropped_sockets: 0,
            }),
            ..Figures::default()
        };
        let outage = "3 of 4000 commands, 0 sockets";
        let expected = [
            "0.00 ms", "–", "–", "42 µs", "–", "–", "–", "–", "–", outage,
        ];
        assert_eq!(cells(&figures), expected);
    }
}
