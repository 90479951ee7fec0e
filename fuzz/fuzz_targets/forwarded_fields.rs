//! The header fields by which proxies name their clients.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::forwarded_fields(bytes));
