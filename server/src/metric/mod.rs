//! What every process of the cluster says about itself in the same way.
//!
//! In reading order: `family` (counters, gauges and their text), `process` (the
//! standard `process_*`, and the heap).

mod family;
mod process;

pub(crate) use self::{
    family::{
        counter, counter_vec, encode_text, expect_valid, gauge, register_counter, register_gauge,
        register_metric,
    },
    process::collect_process,
};
