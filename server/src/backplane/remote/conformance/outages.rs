//! The broker ends, hangs, comes back.

use tokio::time::timeout;

use super::{
    super::Address,
    fixture::{Kind, PATIENCE, Peer, address, shared},
    tcp_proxy::Cable,
};

pub(super) async fn a_broker_that_ends_ends_its_connections<K: Kind>() {
    let mut broker = K::start();
    let address = address::<K>(&broker.url());
    let mut peer = Peer::<K>::connect(&address, "n").await;
    let topics = ["t".parse().unwrap()];
    peer.carrier.subscribe(&topics).await.unwrap();
    assert!(peer.carrier.store(None, "kept".into()).await.unwrap());
    broker.kill();
    peer.broken().await;
    assert!(Peer::<K>::try_connect(&address, "n").await.is_err());
    broker.start_again().unwrap();
    let mut again = Peer::<K>::connect(&address, "n").await;
    again.send(again.to(), "back").await;
    again.next_is("back").await;
    let kept = again.carrier.load().await.unwrap();
    assert_eq!(kept.expect("its files are there").roster, "kept");
    // The old connection stays broken: nothing mends it.
    assert!(peer.arrivals.next().await.is_err());
    assert!(peer.carrier.load().await.is_err());
}

/// Who connects to it gives up. Who is connected already may not be told: that its
/// own beats do not come back is noticed one level up.
pub(super) async fn a_broker_that_hangs_is_given_up<K: Kind>() {
    let broker = K::start();
    let address = address::<K>(&broker.url());
    broker.pause().unwrap();
    let given_up = timeout(PATIENCE, Peer::<K>::try_connect(&address, "n")).await;
    assert!(given_up.expect("it waits for ever").is_err());
    broker.resume().unwrap();
    let mut again = Peer::<K>::connect(&address, "n").await;
    again.send(again.to(), "back").await;
    again.next_is("back").await;
}

/// The server lives, the way to it does not: the client library could mend that
/// behind our back.
pub(super) async fn a_connection_that_is_cut_is_told<K: Kind>() {
    let broker = shared::<K>();
    let url = broker.url();
    let address = address::<K>(&url);
    let cable = Cable::to(&url).await;
    let through = Address {
        server: K::server_url(&cable.url(&url)),
        ..address.clone()
    };
    let mut peer = Peer::<K>::connect(&through, "n").await;
    let sender = Peer::<K>::connect(&address, "s").await;
    // The way stays open to whoever connects anew.
    cable.cut();
    peer.broken().await;
    sender.send(peer.to(), "lost").await;
    let mut again = Peer::<K>::connect(&through, "n").await;
    sender.send(again.to(), "found").await;
    again.next_is("found").await;
    assert!(peer.arrivals.next().await.is_err());
}
