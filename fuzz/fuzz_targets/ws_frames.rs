//! Frames of a device socket, beside tungstenite.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_server::fuzzing::ws_frames(bytes));
