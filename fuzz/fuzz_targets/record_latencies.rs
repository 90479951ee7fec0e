//! Lines of `latency.hlog` and their histograms.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_reports::fuzzing::record_latencies(bytes));
