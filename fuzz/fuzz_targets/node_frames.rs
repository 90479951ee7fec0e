//! JSON that a node sends to devices.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::node_frames(bytes));
