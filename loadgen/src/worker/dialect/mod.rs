//! The languages that a system under test may speak.

pub mod highwater;
