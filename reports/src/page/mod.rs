//! The page `report.html`.
//!
//! ```text
//! Summary ─► SummaryMetrics ─► headline, metric_tables ┐
//! RunRecord ─────────────────► tables, system, balancer_events ├─► content ─► template ─► HTML
//! Drawing ───────────────────► tooltip_data            ┘
//! ```
//!
//! - [`render`]: the template filled in; `content`: the content, in the order of the page;
//! - `headline`: the metrics at the head of the page;
//! - `metric_tables`: the tables of all metrics, as the registry lists them;
//! - `tables`: all other tables; `table`: a table and its cells;
//! - `tooltip_data`: the values behind the charts; `balancer_events`, `system`: single texts.
//!
//! A metric of the registry appears on the page without a change here.

mod balancer_events;
mod content;
mod headline;
mod metric_tables;
mod render;
mod system;
mod table;
mod tables;
mod tooltip_data;

pub(crate) use render::{environment, page};
