//! Scenario files: whatever is read, it is a plan that can be described or a list of
//! problems.

#![no_main]

use highwater_scenarios::{Host, describe, parse};

libfuzzer_sys::fuzz_target!(|text: &str| {
    match parse("fuzz.toml", text, &[]) {
        Ok(plan) => {
            let host = Host {
                files_per_process: 1_024,
                memory: None,
            };
            assert!(!describe(&plan, &host).is_empty());
        }
        Err(problems) => {
            assert!(problems.count() > 0, "refused without a word");
            assert!(problems.to_string().contains("in fuzz.toml"));
        }
    }
});
