//! All charts of a run, in the order of the page.

use std::borrow::Cow;

use super::{
    arrivals, backplane,
    chart::{Chart, Series, XAxis},
    chart_context::ChartContext,
    command_latency, consumers, cpu, errors, evenness,
    format::{FILE, Format, NARROW, WIDE},
    heartbeat_latency,
    legend_entry::{LegendEntry, legend_entries},
    memory, memory_fit, message_latency, open_files, percentiles,
    render::render,
    sockets, sockets_per_node, telemetry_latency,
    theme::VARIABLES,
    throughput,
    timeline::Timeline,
    tooltip::Tooltip,
};

/// A chart as SVG.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    /// Stem of its file: `sockets`.
    pub(crate) name: Cow<'static, str>,
    /// What it shows, in a few words.
    pub(crate) title: Cow<'static, str>,
    /// What to see and how to read it.
    pub(crate) about: String,
    /// The legend.
    pub(crate) legend: Vec<LegendEntry>,
    /// Its values by time, for a chart over time.
    pub(crate) tooltip: Option<Tooltip>,
    /// `<svg>` elements for the page, coloured by the page's style sheet: for
    /// wide places, and for narrow ones.
    pub(crate) wide: String,
    /// The same for narrow places.
    pub(crate) narrow: String,
    /// With title, legend, size and colours of its own.
    pub(crate) standalone: String,
}

/// The charts for which something was measured.
pub(crate) fn draw(context: &ChartContext) -> Result<Vec<Drawing>, String> {
    let charts = [
        sockets::chart(context),
        evenness::chart(context),
        arrivals::chart(context),
        heartbeat_latency::chart(context),
        command_latency::chart(context),
        message_latency::chart(context),
        telemetry_latency::chart(context),
        memory::resident(context),
        memory::heap(context),
        open_files::chart(context),
        cpu::chart(context),
        backplane::chart(context),
        throughput::chart(context),
        consumers::chart(context),
        errors::chart(context),
        percentiles::chart(context),
        memory_fit::chart(context),
        sockets_per_node::chart(context),
    ];
    charts
        .into_iter()
        .map(without_empty_series)
        .filter(|chart| !chart.series.is_empty() || chart.empty_text.is_some())
        .map(|chart| drawing(&chart, context))
        .collect()
}

fn drawing(chart: &Chart, context: &ChartContext) -> Result<Drawing, String> {
    let over_time = chart.x == XAxis::Time;
    let readout = over_time.then(|| Tooltip::of(chart, context.steps));
    render_drawing(chart, &context.timeline, readout)
}

/// With the values that the page's script shows, where it has one.
pub(super) fn render_drawing(
    chart: &Chart,
    timeline: &Timeline,
    readout: Option<Tooltip>,
) -> Result<Drawing, String> {
    let svg = |format| render(chart, timeline, format);
    Ok(Drawing {
        name: chart.name.clone(),
        title: chart.title.clone(),
        about: chart.about.clone(),
        legend: legend_entries(chart),
        tooltip: readout,
        wide: svg(WIDE)?,
        narrow: svg(NARROW)?,
        standalone: standalone_svg(&svg(FILE)?, FILE),
    })
}

fn standalone_svg(svg: &str, format: Format) -> String {
    let Format { width, height, .. } = format;
    let head =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" ");
    let with_size = svg.replacen("<svg ", &head, 1);
    let style = format!("</title>\n<style>\n{VARIABLES}</style>");
    with_size.replacen("</title>", &style, 1)
}

fn without_empty_series(mut chart: Chart) -> Chart {
    chart
        .series
        .retain(|series: &Series| !series.points().is_empty());
    chart
}
