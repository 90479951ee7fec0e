//! Messages of the control link.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::control::{FromWorker, ToWorker};

/// Checks that every message that is parsed is the same after it is written and parsed
/// again.
pub fn control_link(bytes: &[u8]) {
    check_round_trip::<FromWorker>(bytes);
    check_round_trip::<ToWorker>(bytes);
}

fn check_round_trip<M: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) {
    let Ok(message) = serde_json::from_slice::<M>(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&message).expect("a parsed message is written");
    let again: M = serde_json::from_slice(&written).expect("a written message is parsed");
    assert_eq!(format!("{message:?}"), format!("{again:?}"));
}
