//! Charts, drawn with plotters, which no other module uses.
//!
//! ```text
//! RunWindow ─► ChartContext ─► Chart (data) ─► render ─► Drawing (SVG) ─► page, charts/*.svg
//!                              one file each     ▲
//!                      format, axis, labels, theme
//! ```
//!
//! - [`chart`]: a chart as data; `chart_context`: the data that a chart is made from;
//!   `series`: from a record to lines; `timeline`: the phases and events that all share;
//! - one file per chart, with its caption; `latency`: the charts of latencies over time;
//! - `format`, `axis`, `labels`, `theme`: the look of every chart;
//! - `render`, with `canvas`, `axis_coord`, `shapes` and `legend`: from a chart to SVG;
//! - `legend_entry`, `tooltip`: the parts that the page shows beside it;
//! - [`draw`](draw()): all charts of a run; [`side_by_side`](side_by_side()): those of a
//!   comparison;
//! - `observed`: a chart for each metric that the scenario names.
//!
//! A new chart is a file here and a line in the list of `draw`.

mod arrivals;
mod axis;
mod axis_coord;
mod backplane;
mod canvas;
pub(crate) mod chart;
mod chart_context;
mod consumers;
mod cpu;
mod draw;
mod errors;
mod evenness;
mod format;
mod labels;
mod latency;
mod legend;
mod legend_entry;
mod memory;
mod memory_fit;
mod observed;
mod open_files;
mod percentiles;
mod render;
mod series;
mod shapes;
mod side_by_side;
mod sockets;
mod sockets_per_node;
mod theme;
mod throughput;
mod timeline;
mod tooltip;

pub(crate) use chart_context::ChartContext;
pub(crate) use draw::{Drawing, draw};
pub(crate) use observed::OBSERVED_PREFIX;
pub(crate) use side_by_side::{CellTraces, RunTrace, side_by_side};
pub(crate) use theme::VARIABLES;
pub(crate) use tooltip::Tooltip;
