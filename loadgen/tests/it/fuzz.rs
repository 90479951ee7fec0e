//! The fuzz targets' seeds, and with them everything they ever found, on a stable
//! compiler.

use std::{fs, path::Path};

use highwater_loadgen::fuzzing;

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
fn control_link() {
    replay("control_link", fuzzing::control_link);
}

#[test]
fn handshake_answer() {
    replay("handshake_answer", fuzzing::handshake_answer);
}

#[test]
fn event_stream() {
    replay("event_stream", fuzzing::event_stream);
}

#[test]
fn device_asked() {
    replay("device_asked", fuzzing::device_asked);
}

#[test]
fn prometheus_text() {
    replay("prometheus_text", fuzzing::prometheus_text);
}

#[test]
fn broker_figures() {
    replay("broker_figures", fuzzing::broker_figures);
}

#[test]
fn balancer_figures() {
    replay("balancer_figures", fuzzing::balancer_figures);
}

#[test]
fn message_stamps() {
    replay("message_stamps", fuzzing::message_stamps);
}
