//! Frames of STOMP, from either end.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_stomp::fuzzing::stomp_frames(bytes));
