//! Messages that subscribers receive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::message_payloads(bytes));
