//! `highwater serve consumer`.

use highwater_server::{ConsumerConfig, consumer};
use tokio_util::sync::CancellationToken;

use super::bind_and_announce;
use crate::{args::ServeConsumer, exit::Exit, failure::CliFailure, heap};

/// Handles readings until SIGTERM or Ctrl-C, and then what it has in hand.
pub(super) async fn execute(
    args: ServeConsumer,
    shutdown: CancellationToken,
) -> Result<(), CliFailure> {
    let listener = args
        .listen
        .map(|address| bind_and_announce("listening", address))
        .transpose()?;
    let config = ConsumerConfig {
        cluster: args.cluster,
        journal: args.journal,
        processing_time: args.processing_time,
        drop_every: args.drop_every,
        heap_probe: Some(heap::live_bytes),
        ..ConsumerConfig::new(args.backplane, args.group, args.id)
    };
    consumer::run(listener, config, shutdown)
        .await
        .map_err(|error| CliFailure::new(Exit::Refused, error))
}
