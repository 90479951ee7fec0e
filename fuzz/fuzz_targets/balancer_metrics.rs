//! Statistics that balancers report.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::balancer_metrics(bytes));
