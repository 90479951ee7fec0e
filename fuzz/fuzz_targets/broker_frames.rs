//! Frames through brokers, and the membership table stored there.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::broker_frames(bytes));
