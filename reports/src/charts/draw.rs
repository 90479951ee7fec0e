//! The list of all charts, and their drawings.

use std::borrow::Cow;

use serde::Serialize;

use super::{
    chart::{Chart, XAxis},
    chart_context::ChartContext,
    format::{FILE, Format, NARROW, WIDE},
    latency,
    legend_entry::{LegendEntry, legend_entries},
    render::render,
    theme::VARIABLES,
    timeline::Timeline,
    tooltip::Tooltip,
};

/// All charts in the order of the page, before those of the target's own metrics.
const CHARTS: [fn(&ChartContext) -> Chart; 19] = [
    super::sockets::chart,
    super::evenness::chart,
    super::arrivals::chart,
    |context| latency::chart(context, &latency::HEARTBEATS),
    |context| latency::chart(context, &latency::COMMANDS),
    |context| latency::chart(context, &latency::EXCHANGES),
    |context| latency::chart(context, &latency::MESSAGES),
    |context| latency::chart(context, &latency::TELEMETRY),
    super::memory::resident,
    super::memory::heap,
    super::open_files::chart,
    super::cpu::chart,
    super::backplane::chart,
    super::throughput::chart,
    super::consumers::chart,
    super::errors::chart,
    super::percentiles::chart,
    super::memory_fit::chart,
    super::sockets_per_node::chart,
];

/// A chart as SVG, as the templates get it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Drawing {
    /// Stem of its file: `sockets`.
    pub(crate) name: Cow<'static, str>,
    /// Title in a few words.
    pub(crate) title: Cow<'static, str>,
    /// Caption in a few sentences.
    pub(crate) about: String,
    /// Entries of the legend.
    pub(crate) legend: Vec<LegendEntry>,
    /// Whether the page's script shows values at an instant.
    pub(crate) over_time: bool,
    /// Values by time, for a chart over time.
    // The page has the values of all charts in one element, apart from the drawings.
    #[serde(skip)]
    pub(crate) tooltip: Option<Tooltip>,
    /// `<svg>` element for wide places, coloured by the page's style sheet.
    pub(crate) wide: String,
    /// `<svg>` element for narrow places, coloured by the page's style sheet.
    pub(crate) narrow: String,
    /// SVG file with title, legend, size and colours of its own.
    #[serde(skip)]
    pub(crate) standalone: String,
}

/// Draws the charts for which something was measured.
pub(crate) fn draw(context: &ChartContext) -> Result<Vec<Drawing>, String> {
    CHARTS
        .iter()
        .map(|chart| chart(context))
        .chain(super::observed::charts(context))
        .map(|mut chart| {
            // A series without a point would have a legend entry without a line.
            chart.series.retain(|series| !series.points().is_empty());
            chart
        })
        // A chart without data would only make the page longer.
        .filter(|chart| !chart.series.is_empty() || chart.empty_text.is_some())
        .map(|chart| drawing(&chart, context))
        .collect()
}

fn drawing(chart: &Chart, context: &ChartContext) -> Result<Drawing, String> {
    // The page's script shows values at an instant, which other charts do not have.
    let over_time = chart.x == XAxis::Time;
    let tooltip = over_time.then(|| Tooltip::of(chart, context.steps));
    render_drawing(chart, &context.timeline, tooltip)
}

/// Renders a chart in all formats, with the values for the page's script.
pub(super) fn render_drawing(
    chart: &Chart,
    timeline: &Timeline,
    tooltip: Option<Tooltip>,
) -> Result<Drawing, String> {
    let svg = |format| render(chart, timeline, format);
    Ok(Drawing {
        name: chart.name.clone(),
        title: chart.title.clone(),
        about: chart.about.clone(),
        legend: legend_entries(chart),
        over_time: tooltip.is_some(),
        tooltip,
        wide: svg(WIDE)?,
        narrow: svg(NARROW)?,
        standalone: standalone_svg(&svg(FILE)?, FILE),
    })
}

fn standalone_svg(svg: &str, format: Format) -> String {
    let Format { width, height, .. } = format;
    let head =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" ");
    // A file has no page around it that would set the size and the colours.
    let with_size = svg.replacen("<svg ", &head, 1);
    let style = format!("</title>\n<style>\n{VARIABLES}</style>");
    with_size.replacen("</title>", &style, 1)
}
