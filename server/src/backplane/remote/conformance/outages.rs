//! The guarantees when the broker ends, hangs or returns.

use std::sync::Arc;

use tokio::time::timeout;

use super::{
    fixture::{
        ConformanceTarget, TEST_TIMEOUT, TransportPeer, address, address_through, join_member,
        shared, start, wait_for_view,
    },
    tcp_proxy::TcpProxy,
};
use crate::backplane::View;

pub(super) async fn killed_broker_ends_its_connections<K: ConformanceTarget>() {
    let mut broker = start::<K>();
    let address = address(&broker.url());
    let mut peer = TransportPeer::<K>::connect(&address, "n").await;
    let topics = ["t".parse().unwrap()];
    peer.subscribe(&topics).await;
    assert!(peer.store(None, "kept").await);
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
    if K::KEEPS_FILES {
        let kept = again.load().await;
        assert_eq!(kept.expect("the broker lost its files").table, "kept");
    }
    // The old connection stays broken.
    assert!(peer.inbound.next().await.is_err());
    assert!(peer.transport.load_table().await.is_err());
}

/// A new connection fails. An existing one may not notice: the membership does, because
/// its own heartbeats do not return.
pub(super) async fn hung_broker_is_given_up<K: ConformanceTarget>() {
    let broker = start::<K>();
    let address = address(&broker.url());
    broker.pause().unwrap();
    let given_up = timeout(TEST_TIMEOUT, TransportPeer::<K>::try_connect(&address, "n")).await;
    assert!(given_up.expect("the connection waits forever").is_err());
    broker.resume().unwrap();
    let mut again = TransportPeer::<K>::connect(&address, "n").await;
    again.send(again.destination(), "back").await;
    again.expect_next("back").await;
}

/// The server is up, so the client library could reconnect unnoticed.
pub(super) async fn cut_connection_is_closed_and_stays_closed<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let url = broker.url();
    let address = address(&url);
    let proxy = TcpProxy::start(&url).await;
    let through = address_through(&address, &proxy.url(&url));
    let mut peer = TransportPeer::<K>::connect(&through, "n").await;
    let sender = TransportPeer::<K>::connect(&address, "s").await;
    // New connections through the proxy are possible.
    proxy.cut();
    peer.wait_closed().await;
    sender.send(peer.destination(), "lost").await;
    let mut again = TransportPeer::<K>::connect(&through, "n").await;
    sender.send(again.destination(), "found").await;
    again.expect_next("found").await;
    assert!(peer.inbound.next().await.is_err());
}

/// One of the servers of the URL is dead from the beginning, another one dies later.
pub(super) async fn node_moves_to_another_server_of_its_url<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let url = broker.url();
    let proxies = [TcpProxy::start(&url).await, TcpProxy::start(&url).await];
    let several = TcpProxy::url_of_several(&url, &proxies);
    let member = join_member(&several, &address(&url).cluster, "n");
    wait_for_view(&member, "the node", |view| view.connected).await;
    let joined_at = member.backplane.view().borrow().version;

    let [a, b] = proxies;
    let (dies, stays) = if a.has_clients() { (a, b) } else { (b, a) };
    dies.end();
    let is_back = |view: &Arc<View>| view.connected && view.version > joined_at;
    wait_for_view(&member, "the node at the other server", is_back).await;
    assert!(stays.has_clients());
}
