//! A command's path, headers and body.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::http_commands(bytes));
