//! `GET /healthz`, `/readyz` and `/metrics` of a broker, on its admin listener.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use super::{export, server::BrokerServer};
use crate::{
    api::{ApiError, address_limit_reached, method_not_allowed, metrics_response, path_not_found},
    limits::NodeLimits,
    net::{
        admission::{ConnectionBudget, ConnectionShares},
        listener::{Listener, Rejections},
    },
};

/// Returns the admin listener on this socket.
pub(super) fn admin_listener(broker: &Arc<BrokerServer>, socket: TcpListener) -> Listener {
    let budget = ConnectionBudget::new(ConnectionShares::of_process(None, 1), None);
    let metrics = broker.metrics.admin_listener.clone();
    // The limits of time are those of a node's listener.
    let limits = NodeLimits::default();
    let router = router(broker);
    Listener::admin(socket, router, rejections(), budget.admin, &limits, metrics)
}

fn router(broker: &Arc<BrokerServer>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route_layer(from_fn_with_state(Arc::clone(broker), require_operator))
        // Probes have no token, and these paths tell them no more than a status.
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(path_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::clone(broker))
}

fn rejections() -> Rejections {
    let router = Router::new().fallback(async || {
        ApiError::unavailable(
            "this broker's admin listener is at its limit of connections",
            "come back later",
        )
    });
    Rejections {
        router,
        address_limit: address_limit_reached,
    }
}

async fn require_operator(
    State(broker): State<Arc<BrokerServer>>,
    request: Request,
    next: Next,
) -> Response {
    match broker.operators.check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Returns 200 while every task of the broker runs.
async fn ready(State(broker): State<Arc<BrokerServer>>) -> Result<&'static str, ApiError> {
    match broker.task_health.ended() {
        None => Ok("ready\n"),
        Some(ended) => Err(ApiError::unavailable(
            ended.to_string(),
            "this broker ends; start it again",
        )),
    }
}

async fn metrics(State(broker): State<Arc<BrokerServer>>) -> Response {
    metrics_response(export::encode(&broker))
}
