//! The run record, and everything that is derived from it.

pub mod histogram;
pub mod record;
pub mod summary;
