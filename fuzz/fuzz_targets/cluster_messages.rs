//! Requests and responses between nodes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::cluster_messages(bytes));
