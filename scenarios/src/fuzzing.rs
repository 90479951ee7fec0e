//! Entry points for the fuzz target and for tests that make scenarios up. They are not part
//! of the library's interface.

use crate::{HostResources, describe_matrix, parse_matrix, selector::MetricSelector};

/// Reads any bytes as a scenario file.
pub fn scenario(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = describe_or_reject(text, &[]);
    }
}

/// Checks that a selector that is read is the same after it is written and read again, and
/// that it judges any value of a label.
///
/// # Panics
///
/// Panics if a selector changes, or is invalid without a description.
pub fn metric_selector(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match MetricSelector::parse(&text) {
        Ok(selector) => {
            let again = MetricSelector::parse(selector.as_str()).expect("a selector is read again");
            assert_eq!(selector, again);
            assert!(!selector.metric().is_empty());
            // Only a panic is a fault here.
            let _ = selector.accepts(|_| Some(&text));
        }
        Err(problem) => assert!(problem.expected.is_some(), "{problem}"),
    }
}

/// Reads a text and describes it. Returns the description of a valid scenario, and `None` for
/// an invalid one.
///
/// # Panics
///
/// Panics if the description is empty, or the scenario is invalid without a problem.
pub fn describe_or_reject(text: &str, sets: &[String]) -> Option<String> {
    match parse_matrix("fuzz.toml", text, sets) {
        Ok(matrix) => {
            let host = HostResources {
                files_per_process: 1_024,
                memory: None,
            };
            let page = describe_matrix(&matrix, &host);
            assert!(!page.is_empty());
            Some(page)
        }
        Err(diagnostics) => {
            assert!(diagnostics.count() > 0, "invalid without a problem: {text}");
            assert!(diagnostics.to_string().contains("in fuzz.toml"));
            None
        }
    }
}
