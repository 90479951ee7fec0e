//! Statistics that brokers report.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::broker_metrics(bytes));
