//! The fuzz targets of this crate, run on their seeds.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use highwater_loadgen::fuzzing;

replay::replay_seeds!(fuzzing: control_link, handshake_answer, event_stream, device_asked, prometheus_text, broker_figures, balancer_figures, message_stamps);
