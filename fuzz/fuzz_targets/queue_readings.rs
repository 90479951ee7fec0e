//! Readings that lie in a queue.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::queue_readings(bytes));
