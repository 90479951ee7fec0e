//! Real child processes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod children;
