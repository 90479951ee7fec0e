//! The page `report.html`.
//!
//! - `content`, with `headline` and `tables`: what it says;
//! - [`render`]: by the template, which says where.

mod content;
mod headline;
mod render;
mod tables;

pub(crate) use render::page;
