//! Headers of the PROXY protocol.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::proxy_headers(bytes));
