//! The page `report.html`.
//!
//! - `content`, with `headline` (of the figures in `subjects`), `plot`, `tables`,
//!   `counts`, `machines`, `backplane` and `system`: what it says;
//! - `table`: what a table is;
//! - [`render`]: by the template, which says where.

mod backplane;
mod content;
mod counts;
mod headline;
mod machines;
mod plot;
mod render;
mod subjects;
mod system;
mod table;
mod tables;

pub(crate) use render::page;
