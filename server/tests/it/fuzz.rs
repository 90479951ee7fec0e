//! The fuzz targets of this crate on their seeds.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use highwater_server::fuzzing;

replay::replay_seeds!(fuzzing: ws_frames, device_frames, broker_wire, cluster_messages, http_calls, queue_readings, tokens, broker_frames);
