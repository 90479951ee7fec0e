//! The paths for operators on a listener that clients use too.

use bytes::Bytes;
use highwater_server::{AuthConfig, ListenSockets, NodeConfig, listen, node};
use tokio_util::sync::CancellationToken;

use crate::{
    gateway::rig::{TestGateway, config as gateway_config},
    ground::TestBackplaneKind,
    rig::{ADMIN_TOKEN, HttpResponse, any_port, config, http_request},
};

const SECRET: &str = "an-example-secret-of-32-bytes-ok";
const READ_PATHS: [&str; 2] = ["/nodes", "/metrics"];

/// Starts a node with one listener and returns its address.
fn start(config: NodeConfig) -> std::net::SocketAddr {
    let public = listen(any_port()).unwrap();
    let address = public.local_addr().unwrap();
    let sockets = ListenSockets::from(public);
    tokio::spawn(node::run(sockets, config, CancellationToken::new()));
    address
}

async fn request(
    address: std::net::SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
) -> HttpResponse {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    http_request(address, method, path, &headers, Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn listener_that_requires_tokens_serves_no_operator_without_one() {
    let guarded = NodeConfig {
        auth: Some(AuthConfig::required(SECRET.parse().unwrap())),
        ..config("n1")
    };
    let closed = start(guarded.clone());
    let with_token = start(NodeConfig {
        admin_token: Some(ADMIN_TOKEN.parse().unwrap()),
        ..guarded
    });
    for path in READ_PATHS {
        assert_eq!(
            request(closed, "GET", path, None).await.status,
            403,
            "{path}"
        );
        for (token, status) in [(None, 401), (Some(SECRET), 401), (Some(ADMIN_TOKEN), 200)] {
            let response = request(with_token, "GET", path, token).await;
            assert_eq!(response.status, status, "{path} {token:?}");
        }
    }
    for path in [
        "/admin/drain",
        "/admin/rebalance",
        "/admin/load",
        "/admin/faults",
    ] {
        assert_eq!(
            request(closed, "POST", path, None).await.status,
            403,
            "{path}"
        );
        let response = request(with_token, "POST", path, None).await;
        assert_eq!(response.status, 401, "{path}");
        let challenge = response.header("www-authenticate");
        assert_eq!(challenge, "Bearer realm=\"highwater admin\"");
    }
    for address in [closed, with_token] {
        for path in ["/healthz", "/readyz"] {
            assert_eq!(
                request(address, "GET", path, None).await.status,
                200,
                "{path}"
            );
        }
    }
    let drained = request(with_token, "POST", "/admin/drain", Some(ADMIN_TOKEN)).await;
    assert_eq!(drained.status, 202);
}

#[tokio::test]
async fn gateway_serves_operators_with_its_token() {
    let ground = TestBackplaneKind::Local.ground();
    let mut config = gateway_config("g1", &ground);
    config.admin_token = Some(ADMIN_TOKEN.parse().unwrap());
    let gateway = TestGateway::start(config);
    for path in READ_PATHS {
        assert_eq!(
            request(gateway.address, "GET", path, None).await.status,
            401
        );
        let response = request(gateway.address, "GET", path, Some(ADMIN_TOKEN)).await;
        assert_eq!(response.status, 200, "{path}");
    }
    let response = request(gateway.address, "POST", "/admin/drain", None).await;
    assert_eq!(response.status, 401);
    assert_eq!(
        request(gateway.address, "GET", "/healthz", None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn address_with_many_wrong_secrets_has_to_wait() {
    let config = || NodeConfig {
        auth: Some(AuthConfig {
            login_secret: Some(SECRET.parse().unwrap()),
            ..AuthConfig::required(SECRET.parse().unwrap())
        }),
        admin_token: Some(ADMIN_TOKEN.parse().unwrap()),
        ..config("n1")
    };
    for (method, path, right) in [
        ("POST", "/sessions", SECRET),
        ("GET", "/nodes", ADMIN_TOKEN),
    ] {
        let node = start(config());
        let first = request(node, method, path, Some("wrong")).await;
        assert_eq!(first.status, 401, "{path}");
        let mut attempts = 1;
        let rejected = loop {
            let response = request(node, method, path, Some("wrong")).await;
            if response.status != 401 {
                break response;
            }
            attempts += 1;
        };
        assert_eq!((rejected.status.as_u16(), attempts), (429, 10), "{path}");
        let wait: u32 = rejected.header("retry-after").parse().unwrap();
        assert!((1..=61).contains(&wait), "{wait}");
        // Guesses would go on if the right secret were told apart now.
        assert_eq!(request(node, method, path, Some(right)).await.status, 429);
        if path == "/sessions" {
            let metrics = request(node, "GET", "/metrics", Some(ADMIN_TOKEN))
                .await
                .text();
            for counted in [
                "highwater_auth_rejected_total{reason=\"login\"} 10\n",
                "highwater_auth_rejected_total{reason=\"too_many_attempts\"} 2\n",
            ] {
                assert!(metrics.contains(counted), "{counted} in {metrics}");
            }
        }
    }
}
