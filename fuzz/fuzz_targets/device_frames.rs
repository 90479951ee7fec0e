//! JSON that devices send to a node.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::device_frames(bytes));
