//! The frames of a pool, in words.

use highwater_types::format;

use crate::plan::{DevicePool, HeartbeatFrames, PoolFrames};

/// Returns the heartbeat of a pool and its other frames. Their texts may be secrets, so that
/// only their numbers are named.
pub(super) fn in_words(pool: &DevicePool) -> String {
    let frames = pool.frames.as_deref();
    let every = format::duration(pool.heartbeat);
    let heartbeat = match frames.and_then(|frames| frames.heartbeat.as_ref()) {
        None => format!("a heartbeat every {every}"),
        Some(HeartbeatFrames::Send {
            expect: Some(_), ..
        }) => format!("a frame as heartbeat every {every}, with an answer"),
        Some(HeartbeatFrames::Send { expect: None, .. }) => {
            format!("a frame as heartbeat every {every}, without an answer")
        }
        Some(HeartbeatFrames::Watch(_)) => format!("a heartbeat of the server within {every}"),
    };
    let heartbeat = match pool.subscribe.len() {
        0 => heartbeat,
        count => format!(
            "{heartbeat}; {}",
            format::plural(count as u64, "subscription")
        ),
    };
    match frames.map(other_frames) {
        Some(others) if !others.is_empty() => format!("{heartbeat}; frames: {others}"),
        _ => heartbeat,
    }
}

fn other_frames(frames: &PoolFrames) -> String {
    let number = |count: usize, noun: &str| (count > 0).then(|| format::plural(count as u64, noun));
    let counted = frames.count_messages.as_ref();
    let parts = [
        number(frames.open.len(), "opening step"),
        number(frames.answer.len(), "answer"),
        counted.map(|_| "messages are counted".to_owned()),
        number(frames.close.len(), "closing frame"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
