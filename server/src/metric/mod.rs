//! What every process of the cluster says about itself in the same way.
//!
//! In reading order: `family` (counters, gauges and their text), `process` (the
//! standard `process_*`, and the heap), `backplane` (what went through it).

mod backplane;
mod family;
mod process;

pub(crate) use self::{
    backplane::look_up_backplane,
    family::{add, constant, counter, counters, gauge, set, set_counter, text},
    process::look_up_process,
};
