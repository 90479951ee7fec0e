//! Frames of a server that compresses its messages.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_loadgen::fuzzing::compressed_frames(bytes));
