//! The broker ends, hangs, comes back.

use tokio::time::timeout;

use super::{
    super::ClusterAddress,
    fixture::{ConformanceTarget, TEST_TIMEOUT, TransportPeer, address, shared},
    tcp_proxy::TcpProxy,
};

pub(super) async fn a_broker_that_ends_ends_its_connections<K: ConformanceTarget>() {
    let mut broker = K::start();
    let address = address::<K>(&broker.url());
    let mut peer = TransportPeer::<K>::connect(&address, "n").await;
    let topics = ["t".parse().unwrap()];
    peer.transport.subscribe(&topics).await.unwrap();
    assert!(
        peer.transport
            .store_table(None, "kept".into())
            .await
            .unwrap()
    );
    broker.kill();
    peer.wait_closed().await;
    assert!(
        TransportPeer::<K>::try_connect(&address, "n")
            .await
            .is_err()
    );
    broker.restart().unwrap();
    let mut again = TransportPeer::<K>::connect(&address, "n").await;
    again.send(again.destination(), "back").await;
    again.expect_next("back").await;
    let kept = again.transport.load_table().await.unwrap();
    assert_eq!(kept.expect("its files are there").table, "kept");
    // The old connection stays broken: nothing mends it.
    assert!(peer.inbound.next().await.is_err());
    assert!(peer.transport.load_table().await.is_err());
}

/// Who connects to it gives up. Who is connected already may not be told: that its
/// own beats do not come back is noticed one level up.
pub(super) async fn a_broker_that_hangs_is_given_up<K: ConformanceTarget>() {
    let broker = K::start();
    let address = address::<K>(&broker.url());
    broker.pause().unwrap();
    let given_up = timeout(TEST_TIMEOUT, TransportPeer::<K>::try_connect(&address, "n")).await;
    assert!(given_up.expect("it waits for ever").is_err());
    broker.resume().unwrap();
    let mut again = TransportPeer::<K>::connect(&address, "n").await;
    again.send(again.destination(), "back").await;
    again.expect_next("back").await;
}

/// The server lives, the way to it does not: the client library could mend that
/// behind our back.
pub(super) async fn a_connection_that_is_cut_is_told<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let url = broker.url();
    let address = address::<K>(&url);
    let cable = TcpProxy::start(&url).await;
    let through = ClusterAddress {
        server: K::server_url(&cable.url(&url)),
        ..address.clone()
    };
    let mut peer = TransportPeer::<K>::connect(&through, "n").await;
    let sender = TransportPeer::<K>::connect(&address, "s").await;
    // The way stays open to whoever connects anew.
    cable.cut();
    peer.wait_closed().await;
    sender.send(peer.destination(), "lost").await;
    let mut again = TransportPeer::<K>::connect(&through, "n").await;
    sender.send(again.destination(), "found").await;
    again.expect_next("found").await;
    assert!(peer.inbound.next().await.is_err());
}
