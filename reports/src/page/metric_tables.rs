//! Tables of metrics, with the names, units and order of the registry.

use highwater_scenarios::metrics::{
    FamilyKind, ItemMetric, ItemTable, MetricFamily, Unit, families, item_tables, section_title,
    sections,
};
use highwater_types::format;
use serde_json::Value;

use super::table::{PageTable, TableRow, json_value, missing, row, table, value};
use crate::{
    analysis::{
        summary::{AfterEvent, Distribution, SlopeFit},
        summary_metrics::{SummaryMetrics, item_value},
    },
    record::action_title,
    unit_format,
};

/// Section whose numbers stand with the tables of balance, not with the counts.
const BALANCE: &str = "balance";
/// List whose items are events, which have a title instead of an id.
const EVENTS: &str = "balance.per_event";

/// Returns a table of the numbers of each section, except that of balance.
pub(super) fn counts(metrics: &SummaryMetrics) -> Vec<PageTable> {
    let others = sections().filter(|(section, _)| *section != BALANCE);
    let tables = others.map(|(section, _)| section_table(metrics, section));
    tables.filter(|table| !table.rows.is_empty()).collect()
}

/// Returns the table of the numbers of balance.
pub(super) fn balance(metrics: &SummaryMetrics) -> PageTable {
    PageTable {
        // The heading above the tables of balance names the section already.
        caption: "",
        ..section_table(metrics, BALANCE)
    }
}

/// Returns the table of all distributions in which something was counted.
pub(super) fn times(metrics: &SummaryMetrics) -> PageTable {
    let rows = families_of(FamilyKind::Distribution).filter_map(|family| {
        let times: Distribution = metrics.family(family)?;
        // A distribution without values has no percentiles to show.
        (times.count > 0).then(|| {
            let ms = |time: Option<f64>| value(Unit::Millis, time);
            row([
                title(family),
                format::count(times.count),
                ms(times.mean),
                ms(times.p50),
                ms(times.p90),
                ms(times.p99),
                ms(times.p999),
                ms(times.max),
            ])
        })
    });
    let head = ["", "count", "mean", "p50", "p90", "p99", "p99.9", "max"];
    table("", head, rows.collect())
}

/// Returns the table of fitted costs with their intervals.
pub(super) fn costs(metrics: &SummaryMetrics) -> PageTable {
    let rows = families_of(FamilyKind::Fit).filter_map(|family| {
        let fit: SlopeFit = metrics.family(family)?;
        let text = |value| unit_format::with_unit(family.unit(), value);
        let interval = format!("{} to {}", text(fit.low), text(fit.high));
        Some(row([family.label.to_owned(), text(fit.value), interval]))
    });
    table("", ["", "cost", "95 % interval"], rows.collect())
}

/// Returns the tables of processes.
pub(super) fn processes(metrics: &SummaryMetrics) -> Vec<PageTable> {
    item_tables_of(metrics, |list| !is_of_balance(list))
}

/// Returns the tables of nodes and events that show the balance.
pub(super) fn balance_items(metrics: &SummaryMetrics) -> Vec<PageTable> {
    item_tables_of(metrics, is_of_balance)
}

/// Returns an event's title: `kill-node n2 at 12 s`.
pub(super) fn event_title(event: &AfterEvent) -> String {
    let at_s = (event.at_s * 10.0).round() / 10.0;
    let action = action_title(&event.event, &event.node);
    format!("{action} at {}", format::seconds(at_s))
}

fn section_table(metrics: &SummaryMetrics, section: &'static str) -> PageTable {
    let numbers = families_of(FamilyKind::Number).filter(|family| family.section() == section);
    let rows = numbers.filter_map(|family| {
        let number = metrics.get(family.path)?;
        let text = unit_format::with_unit(family.unit(), number);
        Some(row([family.label.to_owned(), text]))
    });
    table(section_title(section), ["", ""], rows.collect())
}

fn families_of(kind: FamilyKind) -> impl Iterator<Item = &'static MetricFamily> {
    families().filter(move |family| family.kind() == kind)
}

fn title(family: &MetricFamily) -> String {
    format!("{}: {}", section_title(family.path), family.label)
}

/// Whether a list is in the section of balance, which `balancers` is not.
fn is_of_balance(list: &str) -> bool {
    list.split('.').next() == Some(BALANCE)
}

fn item_tables_of(metrics: &SummaryMetrics, of: fn(&str) -> bool) -> Vec<PageTable> {
    let tables = item_tables().filter(|table| of(table.list));
    tables
        .filter_map(|table| item_table(metrics, table))
        .collect()
}

/// Returns a row for each item and a column for each metric that one of them has; `None`
/// when no item has any.
fn item_table(metrics: &SummaryMetrics, table: &ItemTable) -> Option<PageTable> {
    let is_measured = |item: &Value, metric: &ItemMetric| {
        item_value(item, metric.key).is_some_and(|value| !value.is_null())
    };
    let items = metrics.items(table.list).iter();
    let columns: Vec<&ItemMetric> = table
        .metrics
        .iter()
        .filter(|metric| items.clone().any(|item| is_measured(item, metric)))
        .collect();
    let rows = items
        // An event without lost sockets, for example, has no row in the table of losses.
        .filter(|item| columns.iter().any(|metric| is_measured(item, metric)))
        .map(|item| item_row(table, item, &columns));
    let heads = columns.iter().map(|metric| metric.label.to_owned());
    (!columns.is_empty()).then(|| PageTable {
        caption: table.title,
        head: [String::new()].into_iter().chain(heads).collect(),
        rows: rows.collect(),
    })
}

fn item_row(table: &ItemTable, item: &Value, columns: &[&ItemMetric]) -> TableRow {
    let values = columns
        .iter()
        .map(|metric| json_value(metric.unit, item_value(item, metric.key)));
    TableRow {
        class: "",
        cells: [item_name(table.list, item)]
            .into_iter()
            .chain(values)
            .collect(),
    }
}

fn item_name(list: &str, item: &Value) -> String {
    let event = match list {
        EVENTS => serde_json::from_value(item.clone()).ok(),
        _ => None,
    };
    let id = || item.get("id")?.as_str().map(str::to_owned);
    match event {
        Some(event) => event_title(&event),
        None => id().unwrap_or_else(missing),
    }
}
