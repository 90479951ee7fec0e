//! Templates and matchers of frames, and the frames that they look at.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_scenarios::fuzzing::frames(bytes));
