//! The fuzz targets' seeds, and with them everything they ever found, on a stable
//! compiler.

use std::{fs, path::Path};

use highwater_reports::fuzzing;

fn replay(target: &str, run: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/seeds")
        .join(target);
    let files: Vec<_> = fs::read_dir(&seeds).unwrap().map(Result::unwrap).collect();
    assert!(!files.is_empty(), "{} is empty", seeds.display());
    for file in files {
        run(&fs::read(file.path()).unwrap());
    }
}

#[test]
fn record_intervals() {
    replay("record_intervals", fuzzing::record_intervals);
}

#[test]
fn record_events() {
    replay("record_events", fuzzing::record_events);
}

#[test]
fn record_latencies() {
    replay("record_latencies", fuzzing::record_latencies);
}
