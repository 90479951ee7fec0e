//! The fuzz targets of this crate, run on their seeds.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use highwater_loadgen::fuzzing;

replay::replay_seeds!(fuzzing: control_link, handshake_response, compressed_frames, event_stream, node_frames, prometheus_text, broker_metrics, balancer_metrics, message_payloads);
