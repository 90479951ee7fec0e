//! All charts of a run, in the order of the page.

use super::{
    chart::{Chart, Series},
    command_latency, cpu, errors, heartbeat_latency, memory, memory_fit, open_files,
    render::{HEIGHT, WIDTH, render},
    sockets, spectrum,
    theme::VARIABLES,
    throughput,
    timeline::Timeline,
};
use crate::analysis::cut::Cut;

/// A chart as SVG.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    /// Stem of its file: `sockets`.
    pub(crate) name: &'static str,
    /// How to read it, in a sentence.
    pub(crate) about: String,
    /// An `<svg>` element for the page, coloured by the page's style sheet.
    pub(crate) svg: String,
}

/// The charts for which something was measured.
pub(crate) fn draw(cut: &Cut) -> Result<Vec<Drawing>, String> {
    let timeline = Timeline::of(cut.record);
    let charts = [
        sockets::chart(cut),
        heartbeat_latency::chart(cut),
        command_latency::chart(cut),
        throughput::chart(cut),
        errors::chart(cut),
        memory::chart(cut),
        memory_fit::chart(cut),
        open_files::chart(cut),
        cpu::chart(cut),
        spectrum::chart(cut),
    ];
    charts
        .into_iter()
        .map(without_empty_series)
        .filter(|chart| !chart.series.is_empty())
        .map(|chart| {
            Ok(Drawing {
                name: chart.name,
                svg: render(&chart, &timeline)?,
                about: chart.about,
            })
        })
        .collect()
}

impl Drawing {
    /// The chart as a file of its own, with its size and its colours.
    pub(crate) fn file(&self) -> String {
        let head = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" "
        );
        let with_size = self.svg.replacen("<svg ", &head, 1);
        let style = format!("</title>\n<style>\n{VARIABLES}</style>");
        with_size.replacen("</title>", &style, 1)
    }
}

fn without_empty_series(mut chart: Chart) -> Chart {
    chart
        .series
        .retain(|series: &Series| !series.points().is_empty());
    chart
}
