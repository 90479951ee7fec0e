//! The fuzz targets of this crate on their seeds.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use highwater_server::fuzzing;

replay::replay_seeds!(fuzzing: ws_frames, device_frames, embedded_broker_frames, cluster_messages, http_commands, queued_telemetry, tokens, broker_frames, proxy_headers, forwarded_fields);
