//! The fuzz targets' seeds, and with them everything they ever found, on a stable
//! compiler.

use std::{fs, path::Path};

use highwater_server::fuzzing;

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
fn ws_frames() {
    replay("ws_frames", fuzzing::ws_frames);
}

#[test]
fn device_frames() {
    replay("device_frames", fuzzing::device_frames);
}

#[test]
fn broker_wire() {
    replay("broker_wire", fuzzing::broker_wire);
}

#[test]
fn cluster_messages() {
    replay("cluster_messages", fuzzing::cluster_messages);
}

#[test]
fn http_calls() {
    replay("http_calls", fuzzing::http_calls);
}

#[test]
fn queue_readings() {
    replay("queue_readings", fuzzing::queue_readings);
}

#[test]
fn tokens() {
    replay("tokens", fuzzing::tokens);
}

#[test]
fn broker_frames() {
    replay("broker_frames", fuzzing::broker_frames);
}
