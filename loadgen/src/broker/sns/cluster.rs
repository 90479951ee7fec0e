//! The queues, the topic, the item and the table of one cluster.

use aws_sdk_dynamodb::{error::ProvideErrorMetadata, types::AttributeValue};
use highwater_types::BrokerUrl;

use super::clients::Clients;
use crate::{broker::driver::connect_to_any, error_chain::error_chain};

/// The table with an item for each cluster.
const MEMBERSHIP_TABLE: &str = "highwater-membership";
/// The table in which filters note how far they have read streams.
const CHECKPOINT_TABLE: &str = "highwater-checkpoints";
/// The tag with the cluster of a queue.
const CLUSTER_TAG: &str = "highwater:cluster";

/// Asks the services for the queues of a cluster that does not exist.
pub(super) async fn check(url: &BrokerUrl) -> Result<(), String> {
    connect_to_any(url, connect).await.map(drop)
}

/// Removes everything of a cluster. Returns the queues, which a node that ends in order removes.
pub(super) async fn remove(url: &BrokerUrl, cluster: &str) -> Result<Vec<String>, String> {
    let clients = connect_to_any(url, connect).await?;
    // The topic first: its subscriptions end with it.
    remove_topic(&clients, cluster).await?;
    let leftovers = remove_queues(&clients, cluster).await?;
    remove_item(&clients, cluster).await?;
    remove_actions(&clients, cluster).await?;
    Ok(leftovers)
}

async fn connect(server: BrokerUrl) -> Result<Clients, String> {
    let clients = Clients::new(&server).await?;
    let listing = clients
        .sqs
        .list_queues()
        .queue_name_prefix("highwater-none-");
    listing.send().await.map_err(|error| error_chain(&error))?;
    Ok(clients)
}

async fn remove_topic(clients: &Clients, cluster: &str) -> Result<(), String> {
    let name = format!(":highwater-{cluster}.fifo");
    let mut pages = clients.sns.list_topics().into_paginator().send();
    while let Some(page) = pages.next().await {
        let topics = page.map_err(|error| error_chain(&error))?.topics;
        let arns = topics.unwrap_or_default().into_iter();
        for arn in arns.filter_map(|topic| topic.topic_arn) {
            if arn.ends_with(&name) {
                let deleted = clients.sns.delete_topic().topic_arn(arn).send().await;
                deleted.map_err(|error| error_chain(&error))?;
            }
        }
    }
    Ok(())
}

async fn remove_queues(clients: &Clients, cluster: &str) -> Result<Vec<String>, String> {
    let prefix = format!("highwater-{cluster}-");
    let listing = clients.sqs.list_queues().queue_name_prefix(prefix);
    let mut pages = listing.max_results(1_000).into_paginator().send();
    let mut leftovers = Vec::new();
    while let Some(page) = pages.next().await {
        let urls = page.map_err(|error| error_chain(&error))?.queue_urls;
        for url in urls.unwrap_or_default() {
            if is_of_cluster(clients, &url, cluster).await? {
                let deleted = clients.sqs.delete_queue().queue_url(&url).send().await;
                deleted.map_err(|error| error_chain(&error))?;
                let name = url.rsplit('/').next().unwrap_or(&url);
                leftovers.push(format!("the queue {name}"));
            }
        }
    }
    Ok(leftovers)
}

/// Whether the tag of a queue names the cluster: the prefix may be that of another one.
async fn is_of_cluster(clients: &Clients, url: &str, cluster: &str) -> Result<bool, String> {
    let tags = clients.sqs.list_queue_tags().queue_url(url).send().await;
    let tags = tags.map_err(|error| error_chain(&error))?.tags;
    let found = tags.as_ref().and_then(|tags| tags.get(CLUSTER_TAG));
    Ok(found.map(String::as_str) == Some(cluster))
}

async fn remove_item(clients: &Clients, cluster: &str) -> Result<(), String> {
    let deleted = clients
        .dynamodb
        .delete_item()
        .table_name(MEMBERSHIP_TABLE)
        .key("cluster", AttributeValue::S(cluster.to_owned()))
        .send()
        .await;
    // No node has ever joined where the table is missing.
    unless_missing(deleted).map(drop)
}

/// Removes the table of actions of a cluster that routes through a stream, and what its filter
/// has noted of the stream.
async fn remove_actions(clients: &Clients, cluster: &str) -> Result<(), String> {
    let client = &clients.dynamodb;
    let name = format!("highwater-actions-{cluster}");
    let described = client.describe_table().table_name(&name).send().await;
    let Some(described) = unless_missing(described)? else {
        return Ok(());
    };
    let deleted = client.delete_table().table_name(name).send().await;
    unless_missing(deleted)?;
    let stream = described.table.and_then(|table| table.latest_stream_arn);
    // The filter uses the last part, which tells a stream from its table's former ones.
    let Some(label) = stream.as_deref().and_then(|arn| arn.rsplit('/').next()) else {
        return Ok(());
    };
    let deleted = client
        .delete_item()
        .table_name(CHECKPOINT_TABLE)
        .key("stream", AttributeValue::S(format!("{cluster}/{label}")))
        .send()
        .await;
    unless_missing(deleted).map(drop)
}

/// Returns `None` for a resource of DynamoDB that is missing.
fn unless_missing<T, E>(answer: Result<T, E>) -> Result<Option<T>, String>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(error_chain(&error)),
    }
}

#[cfg(test)]
mod tests {
    use highwater_services::ServiceKind;

    use super::*;

    async fn create(clients: &Clients, name: &str, cluster: Option<&str>) {
        let mut request = clients.sqs.create_queue().queue_name(name);
        if let Some(cluster) = cluster {
            request = request.tags(CLUSTER_TAG, cluster);
        }
        request.send().await.expect("a queue");
    }

    #[tokio::test]
    async fn cleanup_removes_what_the_run_left_and_nothing_of_others() {
        let service = ServiceKind::Ministack.start().expect("the emulator");
        let url = BrokerUrl::parse(&service.url()).expect("an address");
        check(&url).await.expect("the emulator answers");
        let clients = Clients::new(&url).await.expect("clients");
        create(&clients, "highwater-run-1", Some("run")).await;
        create(&clients, "highwater-run-2", Some("run-2")).await;
        create(&clients, "highwater-run-3", None).await;
        for topic in ["highwater-run.fifo", "highwater-run-2.fifo"] {
            let created = clients.sns.create_topic().name(topic);
            let created = created.attributes("FifoTopic", "true").send().await;
            created.expect("a topic");
        }
        let leftovers = remove(&url, "run").await.expect("the emulator answers");
        assert_eq!(leftovers, ["the queue highwater-run-1"]);
        let queues = clients.sqs.list_queues().send().await.expect("queues");
        let mut queues = queues.queue_urls.unwrap_or_default();
        queues.sort_unstable();
        assert!(matches!(&queues[..], [a, b] if a.ends_with("run-2") && b.ends_with("run-3")));
        let topics = clients.sns.list_topics().send().await.expect("topics");
        assert_eq!(topics.topics.unwrap_or_default().len(), 1);
    }
}
