//! The transport over a topic, a queue and an item.

use std::{
    future::{Future, ready},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::try_join;
use highwater_types::BrokerUrl;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::{
    address::AwsAddress,
    clients::AwsClients,
    membership_item::MembershipItem,
    message::{Draft, MessagePath, Recipient, pack},
    names::{AwsNames, inbox_id},
    publisher::Publisher,
    queues::ClusterQueues,
    receiver::QueueReader,
    requests::BILLED,
    subscriptions::Subscriptions,
    topic::ClusterTopic,
};
use crate::{
    backplane::remote::{
        ClusterAddress, InboundSender, Inbox, OutboundFrame, StoredTable, Transport,
        TransportError, TransportResult,
    },
    id::Topic,
};

/// The way of frames from a node to the others.
pub(super) trait Route: Sized + Send + Sync + 'static {
    /// Opens what the route needs, before the node has a queue.
    fn open(
        clients: &AwsClients,
        names: &AwsNames,
    ) -> impl Future<Output = TransportResult<Self>> + Send;

    /// Sends messages, in their order for each recipient.
    fn send(
        &self,
        publisher: &Publisher,
        queues: &ClusterQueues,
        drafts: Vec<Draft>,
    ) -> impl Future<Output = TransportResult<()>> + Send;

    /// Waits until what was sent before has been published. `returned` holds the number of the
    /// last own message that came back through the stream.
    fn flush(
        &self,
        _publisher: &Publisher,
        _inbox_id: String,
        _returned: watch::Receiver<u64>,
    ) -> impl Future<Output = TransportResult<()>> + Send {
        ready(Ok(()))
    }
}

/// The transport of a cluster whose nodes send to queues and publish on the topic themselves.
pub(in crate::backplane) type SnsTransport = AwsTransport<DirectRoute>;

/// Messages to a node go to its queue, all others to the topic.
pub(in crate::backplane) struct DirectRoute;

impl Route for DirectRoute {
    async fn open(_: &AwsClients, _: &AwsNames) -> TransportResult<Self> {
        Ok(Self)
    }

    async fn send(
        &self,
        publisher: &Publisher,
        queues: &ClusterQueues,
        drafts: Vec<Draft>,
    ) -> TransportResult<()> {
        let (mut direct, mut published) = (Vec::new(), Vec::new());
        for draft in drafts {
            match draft.recipient {
                Recipient::Inbox(_) => direct.push(publisher.number(draft, MessagePath::Queue)),
                Recipient::Topic(_) | Recipient::Everyone => {
                    published.push(publisher.number(draft, MessagePath::Topic));
                }
            }
        }
        let direct = publisher.send_to_queues(queues, direct);
        let published = publisher.publish(&queues.topic.arn, published);
        try_join(direct, published).await.map(drop)
    }
}

/// One connection of a node: its queue, and the topic and the item of its cluster.
pub(in crate::backplane) struct AwsTransport<R> {
    route: R,
    queues: ClusterQueues,
    publisher: Publisher,
    membership: MembershipItem,
    subscriptions: Arc<Subscriptions>,
    inbox: Inbox,
    /// Whether the own queue has been removed.
    is_removed: AtomicBool,
    /// The reason why the own queue is not read any more.
    ended: Arc<OnceLock<TransportError>>,
    /// The number of the last own message that came back through the stream.
    returned: watch::Receiver<u64>,
    _reader: AbortOnDropHandle<()>,
}

impl<R: Route> Transport for AwsTransport<R> {
    /// Each heartbeat is billed, and delivered to every node. A cluster that can wait longer for
    /// the removal of a dead node pays less.
    const MAX_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

    fn check_url(url: &BrokerUrl) -> TransportResult<()> {
        AwsAddress::from_url(url).map(drop)
    }

    async fn connect(
        address: &ClusterAddress,
        inbox: &Inbox,
        inbound: InboundSender,
    ) -> TransportResult<Self> {
        let names = AwsNames::new(&address.cluster)?;
        let requests = inbound.requests();
        requests.register(BILLED);
        let clients = AwsClients::new(&address.server, Arc::clone(&requests)).await?;
        // The queue last, so that a failure leaves none behind.
        let membership = MembershipItem::open(clients.dynamodb.clone(), &names.cluster).await?;
        let route = R::open(&clients, &names).await?;
        let topic = ClusterTopic::open(&clients, &names).await?;
        let queues = ClusterQueues::create(&clients, names, topic, inbox).await?;
        let subscriptions = Arc::<Subscriptions>::default();
        let ended = Arc::<OnceLock<TransportError>>::default();
        let (returned_sender, returned) = watch::channel(0);
        let reader = QueueReader {
            returned: returned_sender,
            clients: clients.clone(),
            url: queues.url(inbox),
            inbox_id: inbox_id(inbox),
            subscriptions: Arc::clone(&subscriptions),
            inbound,
            requests,
            ended: Arc::clone(&ended),
        };
        Ok(Self {
            route,
            queues,
            publisher: Publisher::new(clients, inbox_id(inbox)),
            membership,
            subscriptions,
            inbox: inbox.clone(),
            is_removed: AtomicBool::new(false),
            ended,
            returned,
            _reader: AbortOnDropHandle::new(tokio::spawn(reader.run())),
        })
    }

    async fn send(&self, frames: Vec<OutboundFrame>) -> TransportResult<()> {
        self.check_open()?;
        let drafts = pack(frames);
        self.route.send(&self.publisher, &self.queues, drafts).await
    }

    async fn flush(&self) -> TransportResult<()> {
        let (id, returned) = (inbox_id(&self.inbox), self.returned.clone());
        self.route.flush(&self.publisher, id, returned).await
    }

    /// Sends nothing: the queue gets what is published on any topic, and the node drops what it
    /// has not subscribed to. A filter of the service would take minutes to change.
    async fn subscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        self.subscriptions.add(topics, self.publisher.next_number());
        Ok(())
    }

    async fn unsubscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        self.subscriptions.remove(topics);
        Ok(())
    }

    async fn load_table(&self) -> TransportResult<Option<StoredTable>> {
        self.check_open()?;
        self.membership.load().await
    }

    async fn store_table(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> TransportResult<bool> {
        self.check_open()?;
        self.membership.store(expected_revision, &table).await
    }

    async fn remove_inbox(&self, inbox: &Inbox) -> TransportResult<()> {
        self.queues.remove(inbox).await?;
        if *inbox == self.inbox {
            self.is_removed.store(true, Relaxed);
        }
        Ok(())
    }

    async fn list_inboxes(&self) -> TransportResult<Vec<String>> {
        self.queues.list().await
    }

    async fn remove_orphans(&self, listed: Vec<String>, known: &[Inbox]) -> TransportResult<usize> {
        self.queues.remove_orphans(listed, known).await
    }

    async fn close(self) {
        if !self.is_removed.load(Relaxed)
            && let Err(error) = self.queues.remove(&self.inbox).await
        {
            tracing::warn!(inbox = %self.inbox, %error, "cannot remove the node's own queue");
        }
    }
}

impl<R> AwsTransport<R> {
    /// Fails when the connection has ended: a service without connections would answer.
    fn check_open(&self) -> TransportResult<()> {
        match self.ended.get() {
            None => Ok(()),
            Some(reason) => Err(reason.clone()),
        }
    }
}
