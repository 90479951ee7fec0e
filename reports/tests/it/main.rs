//! A run record with known content, and what must come out of it.
#![expect(clippy::unwrap_used, reason = "tests panic where something is missing")]

mod balancing;
mod browser;
mod comparison;
mod cost;
mod events;
mod fuzz;
mod hlog;
mod joined;
mod large;
mod ledger;
mod messages;
mod readings;
mod record;
mod report;
mod run;
mod schema;
mod summary;
mod verdict;
