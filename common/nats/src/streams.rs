//! Streams of JetStream that survive the loss of a server.

use async_nats::jetstream::{
    Context, ErrorCode,
    context::{CreateStreamError, CreateStreamErrorKind},
    stream::{Config, Stream},
};

/// The copies of a stream in a cluster: with three, one server may be lost.
const REPLICAS: usize = 3;

/// Creates a stream, with copies on several servers if the server belongs to a cluster that
/// has them.
///
/// Several clients may do so at once: the server accepts equal creations as one.
///
/// # Errors
/// [`CreateStreamError`] if the server creates none, or has another one of this name.
pub async fn create_stream(context: &Context, config: Config) -> Result<Stream, CreateStreamError> {
    if context.client().server_info().cluster.is_some() {
        let replicated = Config {
            num_replicas: REPLICAS,
            ..config.clone()
        };
        match context.create_stream(replicated).await {
            // A cluster of two servers, for example.
            Err(error) if lacks_servers(&error) => {}
            created => return created,
        }
    }
    context.create_stream(config).await
}

fn lacks_servers(error: &CreateStreamError) -> bool {
    let CreateStreamErrorKind::JetStream(error) = error.kind() else {
        return false;
    };
    matches!(
        error.error_code(),
        ErrorCode::CLUSTER_NO_PEERS
            | ErrorCode::INSUFFICIENT_RESOURCES
            | ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED
    )
}
