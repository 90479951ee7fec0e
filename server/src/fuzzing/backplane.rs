//! The messages of nodes, consumers and the embedded broker, in postcard, and the records in a
//! telemetry queue.

use std::fmt::Debug;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    backplane::{
        self, Envelope,
        local::{
            handshake::{Claim, FromPeer, HandshakeReply},
            protocol::{FromBroker, ToBroker},
        },
        remote,
    },
    ingest::{
        Telemetry,
        local_protocol::{FromConsumer, FromProducer, ToConsumer, ToOperator, ToProducer},
    },
    message::{self, ClusterNotification, ClusterRequest, ClusterResponse},
};

/// Checks frames between the embedded broker and a node or a consumer.
pub fn embedded_broker_frames(bytes: &[u8]) {
    check_frame_round_trip::<FromPeer>(bytes);
    check_frame_round_trip::<Claim>(bytes);
    check_frame_round_trip::<HandshakeReply>(bytes);
    check_frame_round_trip::<ToBroker>(bytes);
    check_frame_round_trip::<FromBroker>(bytes);
    check_frame_round_trip::<FromProducer>(bytes);
    check_frame_round_trip::<ToProducer>(bytes);
    check_frame_round_trip::<FromConsumer>(bytes);
    check_frame_round_trip::<ToConsumer>(bytes);
    check_frame_round_trip::<ToOperator>(bytes);
}

/// Checks the contents of a unicast: the envelope and the messages of nodes.
pub fn cluster_messages(bytes: &[u8]) {
    check_frame_round_trip::<Envelope>(bytes);
    check_message_round_trip::<ClusterNotification>(bytes);
    check_message_round_trip::<ClusterRequest>(bytes);
    check_message_round_trip::<ClusterResponse>(bytes);
}

/// Checks frames and the membership table at a broker of others.
pub fn broker_frames(bytes: &[u8]) {
    remote::fuzzing::frame(bytes);
    remote::fuzzing::membership_table(bytes);
}

/// Checks that a decoded record encodes to the same record and that its body is JSON.
pub fn queued_telemetry(bytes: &[u8]) {
    let Some(telemetry) = Telemetry::decode(bytes) else {
        return;
    };
    assert!(serde_json::from_str::<&RawValue>(&telemetry.body).is_ok());
    assert_eq!(Telemetry::decode(&telemetry.encode()), Some(telemetry));
}

/// Checks that a decoded header encodes to the same header and payload.
fn check_frame_round_trip<H: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) {
    let Some((header, payload)) = backplane::decode_frame::<H>(&Bytes::copy_from_slice(bytes))
    else {
        return;
    };
    let again = backplane::encode_frame(&header, &payload);
    let (header_again, payload_again) =
        backplane::decode_frame::<H>(&again).expect("cannot decode a header that was just encoded");
    assert_eq!(format!("{header:?}"), format!("{header_again:?}"));
    assert_eq!(payload, payload_again);
}

/// Checks that a decoded message encodes to the same message.
fn check_message_round_trip<M: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) {
    let Some(message) = message::decode::<M>(bytes) else {
        return;
    };
    let again: M = message::decode(&message::encode(&message))
        .expect("cannot decode a message that was just encoded");
    assert_eq!(format!("{message:?}"), format!("{again:?}"));
}
