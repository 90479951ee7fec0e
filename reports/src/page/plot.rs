//! A chart in the page, and the values that the page's script shows at an instant.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::charts::{ChartContext, Drawing, LegendEntry, Tooltip};

/// A chart, for the template.
#[derive(Debug, Serialize)]
pub(crate) struct Plot<'a> {
    name: &'a str,
    title: &'a str,
    about: &'a str,
    legend: &'a [LegendEntry],
    wide: &'a str,
    narrow: &'a str,
    over_time: bool,
}

/// The values of the charts over time at each step.
#[derive(Debug, Serialize)]
pub(super) struct TooltipData<'a> {
    /// Length of a step in seconds.
    step: f64,
    /// End of the time axis in seconds.
    end: f64,
    charts: BTreeMap<&'a str, &'a Tooltip>,
}

impl<'a> Plot<'a> {
    pub(crate) fn of(drawing: &'a Drawing) -> Self {
        Self {
            name: &drawing.name,
            title: &drawing.title,
            about: &drawing.about,
            legend: &drawing.legend,
            wide: &drawing.wide,
            narrow: &drawing.narrow,
            over_time: drawing.tooltip.is_some(),
        }
    }
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
            let what = "cannot write the charts' values as JSON";
            minijinja::Error::new(minijinja::ErrorKind::BadSerialization, what).with_source(error)
        })?;
        // HTML ends a script element at the first `</script`, even within a JSON string.
        Ok(json.replace('<', "\\u003c"))
    }
}
