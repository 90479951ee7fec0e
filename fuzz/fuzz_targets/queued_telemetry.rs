//! Telemetry records as queues store them.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::queued_telemetry(bytes));
