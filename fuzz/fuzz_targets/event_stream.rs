//! Event streams and replies to commands.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::event_stream(bytes));
