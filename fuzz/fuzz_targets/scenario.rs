//! Scenario files: whatever is read, it is plans that can be described or a list of
//! problems.

#![no_main]

use highwater_scenarios::{Host, describe_matrix, parse_matrix};

libfuzzer_sys::fuzz_target!(|text: &str| {
    match parse_matrix("fuzz.toml", text, &[]) {
        Ok(matrix) => {
            let host = Host {
                files_per_process: 1_024,
                memory: None,
            };
            assert!(!describe_matrix(&matrix, &host).is_empty());
        }
        Err(problems) => {
            assert!(problems.count() > 0, "refused without a word");
            assert!(problems.to_string().contains("in fuzz.toml"));
        }
    }
});
