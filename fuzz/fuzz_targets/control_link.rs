//! Messages between coordinator and worker.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::control_link(bytes));
