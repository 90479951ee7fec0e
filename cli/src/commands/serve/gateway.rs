//! `highwater serve gateway`.

use highwater_server::{GatewayConfig, GatewayLimits, ListenSockets, gateway};
use tokio_util::sync::CancellationToken;

use super::{bind_and_announce, node::tls, reload};
use crate::{args::ServeGateway, exit::Exit, failure::CliFailure, heap};

/// Forwards until SIGTERM or Ctrl-C; then drains and ends.
pub(super) async fn execute(
    args: ServeGateway,
    shutdown: CancellationToken,
) -> Result<(), CliFailure> {
    let (public, admin) = (args.listen, args.admin_listen);
    // Files first, because an error in them must not leave an open port behind.
    let config = config(args)?;
    // Before the announcement, because a script may send SIGHUP from then on.
    if let Some(tls) = &config.tls {
        reload::on_hangup(tls.clone()).map_err(|error| CliFailure::new(Exit::Internal, error))?;
    }
    let listeners = ListenSockets {
        public: bind_and_announce("listening", public)?,
        admin: admin
            .map(|address| bind_and_announce("admin", address))
            .transpose()?,
    };
    gateway::run(listeners, config, shutdown)
        .await
        .map_err(|error| CliFailure::new(Exit::Refused, error))
}

fn config(args: ServeGateway) -> Result<GatewayConfig, CliFailure> {
    Ok(GatewayConfig {
        cluster: args.cluster,
        membership_lease: args.membership_lease,
        policy: args.balancing.policy,
        load_metric: args.balancing.load,
        slow_start: args.balancing.slow_start,
        health_interval: args.balancing.health_interval,
        tls: tls(args.tls)?,
        limits: GatewayLimits {
            handshake_rate: args.max_handshakes,
            drain_delay: args.drain.drain_delay,
            drain_rate: args.drain.drain_rate,
            ..GatewayLimits::default()
        },
        heap_probe: Some(heap::live_bytes),
        ..GatewayConfig::new(args.id, args.backplane)
    })
}
