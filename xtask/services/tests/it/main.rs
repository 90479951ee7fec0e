//! The real services: started, killed, started again, paused, and gone with
//! their parent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod errors;
mod every_service;
mod orphans;
