//! The seeds of the fuzz target.

use highwater_stomp::fuzzing;

#[path = "../../../../fuzz/replay.rs"]
mod replay;

replay::replay_seeds!(fuzzing: stomp_frames);
