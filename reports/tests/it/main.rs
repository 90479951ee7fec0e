//! A run record with known content, and what must come out of it.

mod comparison;
mod cost;
mod events;
mod hlog;
mod record;
mod report;
mod run;
mod schema;
mod summary;
mod verdict;
