//! A chart in the page, and the values that the page's script shows.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::charts::{ChartContext, Drawing, LegendEntry, Tooltip};

/// A chart in the page.
#[derive(Debug, Serialize)]
pub(super) struct Plot<'a> {
    name: &'a str,
    title: &'a str,
    about: &'a str,
    legend: &'a [LegendEntry],
    wide: &'a str,
    narrow: &'a str,
    over_time: bool,
}

/// What the charts over time show at each step.
#[derive(Debug, Serialize)]
pub(super) struct TooltipData<'a> {
    /// Length of a step in seconds.
    step: f64,
    /// Where the time axis ends.
    end: f64,
    charts: BTreeMap<&'a str, &'a Tooltip>,
}

impl<'a> Plot<'a> {
    pub(super) fn of(drawing: &'a Drawing) -> Self {
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
    pub(super) fn of(scene: &ChartContext, drawings: &[&'a Drawing]) -> Self {
        let charts = drawings
            .iter()
            .filter_map(|drawing| Some((&*drawing.name, drawing.tooltip.as_ref()?)));
        Self {
            step: scene.steps.length_s,
            end: scene.timeline.end.max(1.0),
            charts: charts.collect(),
        }
    }

    /// For a `<script>` element, which nothing in it may end.
    pub(super) fn json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)?.replace('<', "\\u003c"))
    }
}
