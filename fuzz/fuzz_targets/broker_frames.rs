//! Frames through brokers, and the roster that lies there.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::broker_frames(bytes));
