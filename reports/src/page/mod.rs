//! The page `report.html`.
//!
//! - `content`, with `headline`, `plot`, `tables`, `machines`, `balance` and
//!   `backplane`: what it says;
//! - `table`: what a table is;
//! - [`render`]: by the template, which says where.

mod backplane;
mod balance;
mod content;
mod headline;
mod machines;
mod plot;
mod render;
mod table;
mod tables;

pub(crate) use render::page;
