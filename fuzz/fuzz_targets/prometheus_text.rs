//! What a node serves at `/metrics`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::prometheus_text(bytes));
