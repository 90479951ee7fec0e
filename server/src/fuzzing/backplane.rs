//! What nodes, consumers and the embedded broker say to each other: postcard, which
//! other processes wrote.

use std::fmt::Debug;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    backplane::{
        self, Envelope,
        local_protocol::{FromBroker, ToBroker},
        remote,
    },
    ingest::local_protocol::{FromConsumer, FromProducer, ToConsumer, ToProducer},
    message::{self, ClusterNotification, ClusterRequest, ClusterResponse},
};

/// Frames between the embedded broker and a node or a consumer, in either direction.
pub fn embedded_broker_frames(bytes: &[u8]) {
    check_frame_round_trip::<ToBroker>(bytes);
    check_frame_round_trip::<FromBroker>(bytes);
    check_frame_round_trip::<FromProducer>(bytes);
    check_frame_round_trip::<ToProducer>(bytes);
    check_frame_round_trip::<FromConsumer>(bytes);
    check_frame_round_trip::<ToConsumer>(bytes);
}

/// What a unicast carries: an envelope, and in it what the nodes ask and answer.
pub fn cluster_messages(bytes: &[u8]) {
    check_frame_round_trip::<Envelope>(bytes);
    check_message_round_trip::<ClusterNotification>(bytes);
    check_message_round_trip::<ClusterRequest>(bytes);
    check_message_round_trip::<ClusterResponse>(bytes);
}

/// What goes through a broker that is not ours, and the roster that lies there.
pub fn broker_frames(bytes: &[u8]) {
    remote::fuzzing::frame(bytes);
    remote::fuzzing::membership_table(bytes);
}

/// A header that is understood says the same when it is written again, with the same
/// payload behind it.
fn check_frame_round_trip<H: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) {
    let Some((header, payload)) = backplane::decode_frame::<H>(&Bytes::copy_from_slice(bytes))
    else {
        return;
    };
    let again = backplane::encode_frame(&header, &payload);
    let (header_again, payload_again) =
        backplane::decode_frame::<H>(&again).expect("a header that we wrote is not understood");
    assert_eq!(format!("{header:?}"), format!("{header_again:?}"));
    assert_eq!(payload, payload_again);
}

/// A message that is understood says the same when it is written again.
fn check_message_round_trip<M: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) {
    let Some(message) = message::decode::<M>(bytes) else {
        return;
    };
    let again: M = message::decode(&message::encode(&message))
        .expect("a message that we wrote is not understood");
    assert_eq!(format!("{message:?}"), format!("{again:?}"));
}
