//! Messages of the control link.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::control::{FromWorker, ToWorker};

/// What is understood says the same when it is written again.
pub fn control_link(bytes: &[u8]) {
    check_round_trip::<FromWorker>(bytes);
    check_round_trip::<ToWorker>(bytes);
}

fn check_round_trip<M: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) {
    let Ok(message) = serde_json::from_slice::<M>(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&message).expect("a message that cannot be written");
    let again: M = serde_json::from_slice(&written).expect("a message of ours");
    assert_eq!(format!("{message:?}"), format!("{again:?}"));
}
