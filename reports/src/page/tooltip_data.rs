//! The values that the page's script shows at an instant.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::charts::{ChartContext, Drawing, Tooltip};

/// The values of the charts over time at each step.
#[derive(Debug, Serialize)]
pub(super) struct TooltipData<'a> {
    /// Length of a step in seconds.
    step: f64,
    /// End of the time axis in seconds.
    end: f64,
    charts: BTreeMap<&'a str, &'a Tooltip>,
}

impl<'a> TooltipData<'a> {
    pub(super) fn of(context: &ChartContext, drawings: &[&'a Drawing]) -> Self {
        let charts = drawings
            .iter()
            .filter_map(|drawing| Some((&*drawing.name, drawing.tooltip.as_ref()?)));
        Self {
            step: context.steps.length_s,
            // The script divides by it, and the axis of the charts is at least as long.
            end: context.timeline.end.max(1.0),
            charts: charts.collect(),
        }
    }

    /// Returns the values as JSON for a `<script>` element.
    pub(super) fn json(&self) -> Result<String, minijinja::Error> {
        let json = serde_json::to_string(self).map_err(|error| {
            let message = "cannot write the charts' values as JSON";
            minijinja::Error::new(minijinja::ErrorKind::BadSerialization, message)
                .with_source(error)
        })?;
        // HTML ends a script element at the first `</script`, even within a JSON string.
        Ok(json.replace('<', "\\u003c"))
    }
}
