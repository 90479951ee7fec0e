//! Sessions through a gateway.

use highwater_server::GatewayPolicy;
use highwater_stomp::{Version, header};

use super::{StompClient, topics::publish_until_received};
use crate::{
    gateway::rig::{TestGateway, config},
    ground::TestBackplaneKind,
    rig::TestCluster,
};

#[tokio::test]
async fn sessions_are_spread_over_the_nodes_and_hear_each_other() {
    let cluster = TestCluster::start_with(TestBackplaneKind::Local.ground(), 2, |config| {
        config.limits.publishes_per_s = u32::MAX;
    })
    .await;
    let mut config = config("g1", &cluster.ground);
    config.policy = GatewayPolicy::RoundRobin;
    let gateway = TestGateway::in_front(config, 2).await;
    let mut clients = Vec::new();
    for user in ["anna", "berta"] {
        let offered = [("sec-websocket-protocol", "v12.stomp")];
        let opened = StompClient::open_with(gateway.address, &offered).await;
        let mut client = opened.unwrap();
        assert_eq!(client.subprotocol.as_deref(), Some("v12.stomp"));
        client.log_in(Version::V1_2, &[(header::LOGIN, user)]).await;
        client.subscribe("1", "/topic/room", "auto").await;
        clients.push(client);
    }
    for node in &cluster.nodes {
        assert_eq!(node.metric("highwater_stomp_sessions").await, 1.0);
    }
    let mut berta = clients.pop().unwrap();
    let mut anna = clients.pop().unwrap();
    publish_until_received(&mut anna, "/topic/room", &mut berta).await;
    publish_until_received(&mut berta, "/topic/room", &mut anna).await;
}
