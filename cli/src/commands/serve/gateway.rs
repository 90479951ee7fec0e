//! `highwater serve gateway`.

use highwater_server::{GatewayConfig, GatewayLimits, Listeners, gateway};
use tokio_util::sync::CancellationToken;

use super::{listen, node::tls, reload};
use crate::{args::ServeGateway, exit::Exit, failure::Failure, heap};

/// Forwards until SIGTERM or Ctrl-C; then drains and ends.
pub(super) async fn execute(
    args: ServeGateway,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let (public, admin) = (args.listen, args.admin_listen);
    // Files first: what is wrong with them is told before a port is taken.
    let config = config(args)?;
    // Before anybody is told that it listens, and may signal it.
    if let Some(tls) = &config.tls {
        reload::on_hangup(tls.clone()).map_err(|error| Failure::new(Exit::Internal, error))?;
    }
    let listeners = Listeners {
        public: listen("listening", public)?,
        admin: admin.map(|address| listen("admin", address)).transpose()?,
    };
    gateway::run(listeners, config, shutdown)
        .await
        .map_err(|error| Failure::new(Exit::Refused, error))
}

fn config(args: ServeGateway) -> Result<GatewayConfig, Failure> {
    Ok(GatewayConfig {
        cluster: args.cluster,
        lease: args.lease,
        policy: args.balancing.policy,
        load: args.balancing.load,
        slow_start: args.balancing.slow_start,
        health_interval: args.balancing.health_interval,
        tls: tls(args.tls)?,
        limits: GatewayLimits {
            handshakes: args.max_handshakes,
            drain_notice: args.drain.drain_notice,
            drain_rate: args.drain.drain_rate,
            ..GatewayLimits::default()
        },
        heap_probe: Some(heap::live_bytes),
        ..GatewayConfig::new(args.id, args.backplane)
    })
}
