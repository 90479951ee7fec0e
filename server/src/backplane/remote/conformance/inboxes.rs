//! Inboxes: made, removed, left.

use super::{
    super::Destination,
    fixture::{ConformanceTarget, TransportPeer, address, shared},
};

pub(super) async fn a_removed_inbox_keeps_nothing<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
    let gone = TransportPeer::<K>::connect(&address, "n").await;
    let mut survivor = TransportPeer::<K>::connect(&address, "s").await;
    let inbox = gone.inbox.clone();
    drop(gone);
    survivor
        .send(Destination::Inbox(inbox.clone()), "too late")
        .await;
    for _ in 0..2 {
        survivor.transport.remove_inbox(&inbox).await.unwrap();
    }
    // Sending to what is not there harms nobody, and a new connection of the node
    // gets nothing of what was for the old one.
    let mut again = TransportPeer::<K>::connect(&address, "n").await;
    survivor.send(Destination::Inbox(inbox), "to nobody").await;
    survivor.send(again.destination(), "for you").await;
    again.expect_next("for you").await;
    again.send(survivor.destination(), "thanks").await;
    survivor.expect_next("thanks").await;
}

pub(super) async fn leaving_loses_nothing_that_was_sent<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
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
