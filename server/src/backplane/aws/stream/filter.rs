//! The filter: it reads every shard of a cluster's stream and publishes what the rules let
//! through.

use std::{convert::Infallible, sync::Arc, time::Duration};

use highwater_types::{BrokerUrl, ClusterName};
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    super::{clients::AwsClients, names::AwsNames, publisher::Publisher, topic::ClusterTopic},
    action_table::ActionTable,
    checkpoints::Checkpoints,
    reader::{ReaderShared, read},
    rules::RoutingRules,
    shards::{Shard, ShardProgress},
};
use crate::{
    backplane::{
        BackplaneUrl, RequestCounters,
        remote::{TransportError, TransportResult},
    },
    net::{backoff::Backoff, broker_location::BrokerLocation, broker_servers::BrokerServers},
};

/// The time between two lists of the shards. A new one waits for so long at most.
const LIST_INTERVAL: Duration = Duration::from_secs(5);
/// The time to open tables and the topic.
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);

/// The configuration of a filter.
#[derive(Debug, Clone)]
pub struct StreamFilterConfig {
    /// The address of the cluster's backplane, `dynamodb://…`.
    pub url: BackplaneUrl,
    /// The cluster whose stream is read.
    pub cluster: ClusterName,
    /// The rules.
    pub rules: RoutingRules,
    /// The requests that the filter sends.
    pub requests: Arc<RequestCounters>,
}

/// A reason why a filter cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamFilterError {
    /// The backplane has no stream.
    #[error(
        "cannot filter the stream of {0}: it has none; hint: give the dynamodb:// address that \
         the nodes have"
    )]
    NoStream(String),
}

/// Reads and publishes until `shutdown` is cancelled. Goes on after every failure.
///
/// # Errors
/// [`StreamFilterError`] for an address without a stream.
pub async fn run(
    config: StreamFilterConfig,
    shutdown: CancellationToken,
) -> Result<(), StreamFilterError> {
    let url = match config.url.location() {
        BrokerLocation::External(url) if url.kind() == highwater_types::BrokerKind::DynamoDb => {
            url.clone()
        }
        other => return Err(StreamFilterError::NoStream(other.to_string())),
    };
    let servers = BrokerServers::new(url);
    let mut backoff = Backoff::default();
    let filtering = async {
        loop {
            let began = Instant::now();
            let Err(error) = filter_stream(&servers, &config).await;
            // After a long time without a failure the pauses begin short again.
            backoff.record_disconnect(began.elapsed());
            tracing::warn!(%error, "cannot filter the stream; trying again");
            backoff.wait().await;
        }
    };
    // Whatever was published and not noted is published again, and recognised.
    shutdown.run_until_cancelled(filtering).await;
    Ok(())
}

async fn filter_stream(
    servers: &BrokerServers,
    config: &StreamFilterConfig,
) -> TransportResult<Infallible> {
    let open = async |server: BrokerUrl| {
        let opening = timeout(OPEN_TIMEOUT, open(&server, config)).await;
        opening.unwrap_or_else(|_| {
            let cause = format!("the tables were not ready within {OPEN_TIMEOUT:?}");
            Err(TransportError::Broken(cause))
        })
    };
    let shared = Arc::new(servers.connect(open).await?);
    tracing::info!(stream = shared.stream, "reading the stream");
    let ended = shared.checkpoints.lock().await.ended();
    let mut progress = ShardProgress::new(ended);
    let mut readers = JoinSet::new();
    loop {
        let listed = list_shards(&shared).await?;
        let is_listed = |id: &str| listed.iter().any(|shard| shard.id == id);
        shared.checkpoints.lock().await.retain(is_listed);
        for shard in progress.start(&listed) {
            readers.spawn(read(Arc::clone(&shared), shard));
        }
        tokio::select! {
            Some(ended) = readers.join_next() => {
                let shard = ended.map_err(TransportError::broken)?;
                progress.end(&shard);
            }
            () = sleep(LIST_INTERVAL) => {}
        }
    }
}

async fn open(server: &BrokerUrl, config: &StreamFilterConfig) -> TransportResult<ReaderShared> {
    let names = AwsNames::new(&config.cluster)?;
    let clients = AwsClients::new(server, Arc::clone(&config.requests)).await?;
    let actions = ActionTable::open(clients.dynamodb.clone(), &names).await?;
    let checkpoints = Checkpoints::open(clients.dynamodb.clone(), &names, &actions.stream).await?;
    let topic = ClusterTopic::open(&clients, &names).await?;
    Ok(ReaderShared {
        streams: clients.streams.clone(),
        stream: actions.stream,
        // Its own id is in no message: each has the id of the node that wrote it.
        publisher: Publisher::new(clients, String::new()),
        topic: topic.arn,
        rules: config.rules.clone(),
        checkpoints: Mutex::new(checkpoints),
    })
}

async fn list_shards(shared: &ReaderShared) -> TransportResult<Vec<Shard>> {
    let mut shards = Vec::new();
    let mut from = None;
    loop {
        let page = shared
            .streams
            .describe_stream()
            .stream_arn(&shared.stream)
            .set_exclusive_start_shard_id(from)
            .send()
            .await?;
        let Some(description) = page.stream_description else {
            return Ok(shards);
        };
        let listed = description.shards.unwrap_or_default().into_iter();
        shards.extend(listed.filter_map(|shard| {
            Some(Shard {
                id: shard.shard_id?,
                parent: shard.parent_shard_id,
            })
        }));
        from = description.last_evaluated_shard_id;
        if from.is_none() {
            return Ok(shards);
        }
    }
}
