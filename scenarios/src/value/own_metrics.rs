//! A target's own metrics, each a name with a selector.

use super::{FixedForm, name::check_name, text::quoted_text};
use crate::{
    diagnostic::Diagnostic,
    plan::OwnMetric,
    selector::MetricSelector,
    tree::{TomlEntry, TomlItem},
};

/// Most metrics of one process. Each is a chart of the report and a value of every sample.
const MAX_METRICS: usize = 32;

/// Accepts a table of names and selectors, which keep the order of the file.
pub(crate) const fn own_metrics() -> FixedForm<Vec<OwnMetric>> {
    FixedForm {
        expected: || {
            format!(
                "a table of up to {MAX_METRICS} names and selectors, such as \
                 {{ queue_depth = 'app_queue{{queue=\"in\"}}' }}"
            )
        },
        read,
    }
}

fn read(item: &TomlItem) -> Result<Vec<OwnMetric>, Diagnostic> {
    let Some(table) = item.as_table() else {
        return Err(Diagnostic::new("not a table"));
    };
    match table.entries().count() {
        0 => Err(Diagnostic::new("no metrics")),
        1..=MAX_METRICS => table.entries().map(read_metric).collect(),
        _ => Err(Diagnostic::new(format!("more than {MAX_METRICS} metrics"))),
    }
}

fn read_metric(entry: &TomlEntry) -> Result<OwnMetric, Diagnostic> {
    let name = &entry.key;
    // A name is a part of a gate's metric, `observe.app.queue_depth.max`.
    check_name(name).map_err(|problem| Diagnostic {
        message: format!("{} as the name of a metric", problem.message),
        ..problem
    })?;
    let selector = quoted_text(&entry.item).and_then(MetricSelector::parse);
    let selector = selector.map_err(|problem| Diagnostic {
        message: format!("the selector of `{name}`: {}", problem.message),
        ..problem
    })?;
    Ok(OwnMetric {
        name: name.clone(),
        selector,
    })
}
