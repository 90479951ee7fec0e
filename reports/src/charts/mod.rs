//! Charts, drawn with plotters, which nothing else knows of.
//!
//! - [`chart`]: a chart as data; `axis`, `timeline`, `series`: its parts;
//! - one file per chart;
//! - `theme`, `ruler`, `render`: how every chart looks; [`draw`](draw()): all of them.

mod axis;
pub(crate) mod chart;
mod command_latency;
mod cpu;
mod draw;
mod errors;
mod heartbeat_latency;
mod latency;
mod memory;
mod memory_fit;
mod open_files;
mod render;
mod ruler;
mod series;
mod sockets;
mod spectrum;
mod theme;
mod throughput;
mod timeline;

pub(crate) use draw::{Drawing, draw};
pub(crate) use theme::VARIABLES;
