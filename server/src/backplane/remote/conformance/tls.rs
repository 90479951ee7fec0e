//! The guarantees of TLS to a broker.

use super::{
    super::{ClusterAddress, TransportError},
    fixture::{ConformanceTarget, TransportPeer, address},
    tls_server::TestAuthority,
};

pub(super) async fn certificate_is_verified_by_the_authority<K: ConformanceTarget>() {
    let authority = TestAuthority::new();
    let server = K::start_tls(&authority).await;
    // The machine does not know the authority.
    let unknown = address(&server.url);
    let error = TransportPeer::<K>::try_connect(&unknown, "n").await;
    let error = error.err().unwrap();
    let TransportError::Unsuitable { hint, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(hint.contains("--broker-ca"), "{hint}");

    let known = ClusterAddress {
        server: unknown.server.with_ca(authority.ca.as_str().into()),
        cluster: unknown.cluster,
    };
    let mut peer = TransportPeer::<K>::connect(&known, "n").await;
    let long = "long".repeat(250_000);
    peer.send(peer.destination(), long.clone()).await;
    peer.expect_next(&long).await;
    assert!(peer.store(None, "table").await);
    peer.transport.close().await;
}
