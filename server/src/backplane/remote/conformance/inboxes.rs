//! Inboxes: made, removed, left.

use super::{
    super::Destination,
    fixture::{Kind, Peer, address, shared},
};

pub(super) async fn a_removed_inbox_keeps_nothing<K: Kind>() {
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
    let gone = Peer::<K>::connect(&address, "n").await;
    let mut survivor = Peer::<K>::connect(&address, "s").await;
    let inbox = gone.inbox.clone();
    drop(gone);
    survivor
        .send(Destination::Inbox(inbox.clone()), "too late")
        .await;
    for _ in 0..2 {
        survivor.carrier.remove_inbox(&inbox).await.unwrap();
    }
    // Sending to what is not there harms nobody, and a new connection of the node
    // gets nothing of what was for the old one.
    let mut again = Peer::<K>::connect(&address, "n").await;
    survivor.send(Destination::Inbox(inbox), "to nobody").await;
    survivor.send(again.to(), "for you").await;
    again.next_is("for you").await;
    again.send(survivor.to(), "thanks").await;
    survivor.next_is("thanks").await;
}

pub(super) async fn leaving_loses_nothing_that_was_sent<K: Kind>() {
    let broker = shared::<K>();
    let address = address::<K>(&broker.url());
    let mut reader = Peer::<K>::connect(&address, "r").await;
    for turn in 0..20 {
        let leaver = Peer::<K>::connect(&address, "l").await;
        for frame in 0..10 {
            leaver.send(reader.to(), format!("{turn} {frame}")).await;
        }
        leaver.carrier.close().await;
        for frame in 0..10 {
            reader.next_is(&format!("{turn} {frame}")).await;
        }
    }
}
