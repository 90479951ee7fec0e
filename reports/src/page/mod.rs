//! The page `report.html`, and that of a comparison.
//!
//! - `content`, with `headline` (of the figures in `headline_metrics`), `plot`, `tables`,
//!   `counts`, `machines`, `balance`, `backplane`, `system` and `told`: what it says;
//! - `table`: what a table is;
//! - [`render`]: by the template, which says where;
//! - [`comparison`]: the page of several runs side by side.

mod backplane;
mod balance;
mod balancer_events;
mod content;
mod counts;
mod headline;
mod headline_metrics;
mod machines;
mod plot;
mod render;
mod system;
mod table;
mod tables;

pub(crate) use plot::Plot;
pub(crate) use render::{environment, page};
