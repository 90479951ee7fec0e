//! Tests of the report and the analysis, on run records with known content.
#![expect(clippy::unwrap_used, reason = "tests panic where something is missing")]

mod backplane;
mod balancing;
mod browser;
mod comparison;
mod cost;
mod events;
mod exchanges;
mod export;
mod failures;
mod fuzz;
mod hlog;
mod large;
mod ledger;
mod messages;
mod observed;
mod record;
mod report;
mod run;
mod schema;
mod schema1;
mod summary;
mod telemetry;
mod verdict;
