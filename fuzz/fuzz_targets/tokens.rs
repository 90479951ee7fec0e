//! Tokens of callers and devices.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::tokens(bytes));
