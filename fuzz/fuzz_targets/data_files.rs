//! Data files with the values of devices.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_scenarios::fuzzing::data_files(bytes));
