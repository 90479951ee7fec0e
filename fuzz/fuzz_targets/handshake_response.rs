//! The response to the harness's opening handshake.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::handshake_response(bytes));
