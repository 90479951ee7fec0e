//! The text of a node's `/metrics`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::prometheus_text(bytes));
