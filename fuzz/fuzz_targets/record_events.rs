//! Lines of `events.jsonl`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| highwater_reports::fuzzing::record_events(bytes));
