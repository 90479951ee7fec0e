//! Metrics that every process of the cluster exports.
//!
//! In reading order: `family` holds counters, gauges and their text format; `process` holds
//! the standard `process_*` metrics and the heap.

mod family;
mod process;

pub(crate) use self::{
    family::{
        counter, counter_vec, encode_text, expect_valid, gauge, register_counter, register_gauge,
        register_metric,
    },
    process::collect_process,
};
