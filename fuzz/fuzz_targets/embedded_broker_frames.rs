//! Frames between nodes and the embedded broker.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::embedded_broker_frames(bytes));
