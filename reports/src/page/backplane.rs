//! Tables of what goes through the backplane.

use highwater_types::format;

use super::table::{PageTable, TableRow, missing, number, row, size, table};
use crate::summary::{BackplaneSummary, BrokerSummary, Summary};

/// As the nodes count it, and as the broker does, if it tells anything.
pub(super) fn tables(summary: &Summary) -> Vec<PageTable> {
    let nodes = summary.backplane.as_ref().map(|backplane| PageTable {
        rows: of_nodes(backplane),
        ..table("Messages between the nodes", ["", ""])
    });
    let tell = summary.brokers.iter().map(of_broker);
    let tell = tell.filter(|rows| rows.iter().any(|row| row.cells[1] != missing()));
    let brokers = tell.map(|rows| PageTable {
        rows,
        ..table("Broker statistics", ["", ""])
    });
    nodes.into_iter().chain(brokers).collect()
}

fn of_nodes(backplane: &BackplaneSummary) -> Vec<TableRow> {
    let ratio = |value: Option<f64>| value.map_or_else(missing, format::significant);
    let rows = [
        ("sent", number(backplane.sent)),
        ("received", number(backplane.received)),
        ("sent per command", ratio(backplane.sent_per_command)),
        (
            "received per command",
            ratio(backplane.received_per_command),
        ),
    ];
    named(rows)
}

fn of_broker(broker: &BrokerSummary) -> Vec<TableRow> {
    let per_s = |rate: Option<f64>| {
        rate.map_or_else(missing, |rate| format!("{}/s", format::significant(rate)))
    };
    let rows = [
        ("connections, most", number(broker.clients_peak)),
        ("channels or queues, most", number(broker.channels_peak)),
        ("messages waiting, most", number(broker.backlog_peak)),
        ("messages in", number(broker.messages_in)),
        ("messages in, steady phase", per_s(broker.messages_in_per_s)),
        ("messages out", number(broker.messages_out)),
        (
            "messages out, steady phase",
            per_s(broker.messages_out_per_s),
        ),
        ("bytes in", size(broker.bytes_in)),
        ("bytes out", size(broker.bytes_out)),
        ("slow consumers cut off", number(broker.slow_consumers)),
    ];
    named(rows)
}

fn named<const N: usize>(rows: [(&str, String); N]) -> Vec<TableRow> {
    rows.map(|(name, value)| row([name.to_owned(), value]))
        .into()
}
