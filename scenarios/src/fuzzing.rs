//! What the fuzz target calls, and the tests that make scenarios up. Not part of the
//! library's interface.

use crate::{HostResources, describe_matrix, parse_matrix};

/// Any bytes as a scenario file.
pub fn scenario(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = describe_or_reject(text, &[]);
    }
}

/// Whatever is read, it is plans that can be described, whose description is answered,
/// or a list of problems with words.
///
/// # Panics
/// If it is neither.
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
        Err(problems) => {
            assert!(problems.count() > 0, "refused without a word: {text}");
            assert!(problems.to_string().contains("in fuzz.toml"));
            None
        }
    }
}
