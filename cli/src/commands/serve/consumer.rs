//! `highwater serve consumer`.

use highwater_server::{ConsumerConfig, consumer};
use tokio_util::sync::CancellationToken;

use super::listen;
use crate::{args::ServeConsumer, exit::Exit, failure::Failure, heap};

/// Handles readings until SIGTERM or Ctrl-C, and then what it has in hand.
pub(super) async fn execute(
    args: ServeConsumer,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let listener = args
        .listen
        .map(|address| listen("listening", address))
        .transpose()?;
    let config = ConsumerConfig {
        cluster: args.cluster,
        journal: args.journal,
        handle_time: args.handle_time,
        lose_every: args.lose_every,
        heap_probe: Some(heap::live_bytes),
        ..ConsumerConfig::new(args.backplane, args.group, args.id)
    };
    consumer::run(listener, config, shutdown)
        .await
        .map_err(|error| Failure::new(Exit::Refused, error))
}
