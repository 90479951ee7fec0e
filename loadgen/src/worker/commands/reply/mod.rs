//! The ways in which the reply to a command comes back.

pub mod rest;
pub mod sse;
