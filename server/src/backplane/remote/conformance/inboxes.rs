//! The guarantees on inboxes: creation, removal, leaving in order.

use super::{
    super::Destination,
    fixture::{ConformanceTarget, TransportPeer, address, shared},
};

pub(super) async fn removed_inbox_keeps_no_frames<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address(&broker.url());
    let departed = TransportPeer::<K>::connect(&address, "n").await;
    let mut survivor = TransportPeer::<K>::connect(&address, "s").await;
    let inbox = departed.inbox.clone();
    drop(departed);
    survivor
        .send(Destination::Inbox(inbox.clone()), "too late")
        .await;
    for _ in 0..2 {
        survivor.transport.remove_inbox(&inbox).await.unwrap();
    }
    // A frame to a missing inbox has no effect, and the node's new connection gets no
    // frames of the old one.
    let mut again = TransportPeer::<K>::connect(&address, "n").await;
    survivor
        .send(Destination::Inbox(inbox), "to the removed inbox")
        .await;
    survivor.send(again.destination(), "to the new inbox").await;
    again.expect_next("to the new inbox").await;
    again.send(survivor.destination(), "response").await;
    survivor.expect_next("response").await;
}

pub(super) async fn leaving_in_order_loses_no_sent_frame<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address(&broker.url());
    let mut reader = TransportPeer::<K>::connect(&address, "r").await;
    for turn in 0..20 {
        let leaver = TransportPeer::<K>::connect(&address, "l").await;
        for frame in 0..10 {
            leaver
                .send(reader.destination(), format!("{turn} {frame}"))
                .await;
        }
        leaver.transport.close().await;
        for frame in 0..10 {
            reader.expect_next(&format!("{turn} {frame}")).await;
        }
    }
}
