//! Selectors of a target's own metrics.

#![no_main]

libfuzzer_sys::fuzz_target!(
    |bytes: &[u8]| highwater_scenarios::fuzzing::metric_selector(bytes)
);
