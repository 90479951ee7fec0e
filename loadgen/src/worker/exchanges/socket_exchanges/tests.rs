//! The messages of one socket, without a socket.

use std::collections::BTreeMap;

use highwater_reports::record::names::counter;
use highwater_scenarios::Segment;
use tokio::sync::{oneshot, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    access::{ClientAccess, ClientOptions, Environment},
    clock::RunClock,
    endpoints::Endpoints,
    keys::DeviceKey,
    worker::{
        context::{Clients, Protocols},
        dialect::plain::Plain,
        exchanges::dispatch::dispatch,
        frames::SocketFrames,
        signals::Signals,
        values::PoolValues,
    },
};

/// Load 0 is answered by number, load 1 in order, load 2 not at all; the command's reply comes
/// as a frame.
const PLAN: &str = r#"
    name = "m"
    duration = "1h"
    [target]
    ws = "ws://host"
    http = "http://host"
    [[devices]]
    name = "home"
    count = 1
    ramp = "1/s"
    [[messages]]
    rate = "1/s"
    send = '{"id":"{ref}","from":"{device}"}'
    expect = { json = { id = "{ref}", ok = true } }
    reject = { json = { id = "{ref}", ok = false } }
    timeout = "5s"
    [[messages]]
    rate = "1/s"
    send = "poll"
    expect = { prefix = "news" }
    timeout = "2s"
    [[messages]]
    rate = "1/s"
    send = { hex = "c0 00" }
    [[commands]]
    users = 1
    reply = { frame = { text = "done {nonce}" } }
"#;

const DEVICE: DeviceKey = DeviceKey { pool: 0, index: 0 };

/// A context, and the socket of its only device.
struct Rig {
    context: Context,
    frames: SocketFrames,
    exchanges: SocketExchanges,
}

impl Rig {
    fn new() -> Self {
        let plan = highwater_scenarios::parse("m.toml", PLAN, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        let protocols = PoolProtocol::compile_all(&plan, &Environment::default());
        let protocols = protocols.expect("valid frames");
        let options = ClientOptions::new(&ClientAccess::default()).expect("no certificates");
        let pools = PoolValues::compile_all(&plan, Segment::whole(), Vec::new(), &options);
        let clients = Clients {
            options,
            pools: pools.expect("no placeholders"),
            login: None,
            sources: crate::worker::source_address::SourceAddresses::default(),
        };
        let ramp = Instant::now();
        let (_, steady) = watch::channel(Some(ramp));
        let context = Context::new(
            plan,
            Segment::whole(),
            Protocols {
                dialect: &Plain,
                pools: protocols,
            },
            Endpoints::default(),
            clients,
            RunClock::starting_at(ramp),
            Signals {
                ramp,
                steady,
                drain: CancellationToken::new(),
                close: CancellationToken::new(),
            },
        );
        let identity = context
            .socket_identity(DEVICE)
            .expect("the pool has messages");
        let frames = SocketFrames::new(identity);
        let link = context.links.open(&context.plan, DEVICE, Box::default);
        Self {
            frames,
            exchanges: SocketExchanges::new(link.expect("messages use the pool")),
            context,
        }
    }

    /// Hands a message over that was due `ago`. The receiver learns whether it was answered.
    fn dispatch(&self, load: usize, ago: Duration) -> oneshot::Receiver<bool> {
        let (sender, outcome) = oneshot::channel();
        let due = Instant::now() - ago;
        dispatch(&self.context, load, due, Completion::User(sender));
        outcome
    }

    /// Sends all that is queued. Returns the texts of the frames.
    fn send(&mut self) -> Vec<String> {
        let mut texts = Vec::new();
        let Self {
            context,
            frames,
            exchanges,
        } = self;
        let identity = context.socket_identity(DEVICE).expect("a pool");
        while let Some(next) = exchanges.next_message(context, identity.protocol) {
            let (message, key) = frames.next_message(identity, &next.exchange.send);
            exchanges.begin(context, next, key);
            texts.push(match message {
                Message::Text(text) => text.to_string(),
                other => format!("{:02x?}", other.into_data().to_vec()),
            });
        }
        texts
    }

    fn receive(&mut self, text: &str) -> bool {
        let Self {
            context,
            frames,
            exchanges,
        } = self;
        let identity = context.socket_identity(DEVICE).expect("a pool");
        let values = frames.values(identity, FrameKey::default());
        exchanges.on_frame(context, &ReceivedFrame::from_text(text), &values)
    }

    fn counted(&self) -> BTreeMap<String, u64> {
        let counters = self.context.recorder.take_snapshot().counters;
        counters.into_iter().collect()
    }
}

fn counts(counted: &BTreeMap<String, u64>, names: &[&str]) -> Vec<u64> {
    let count = |name: &&str| counted.get(*name).copied().unwrap_or(0);
    names.iter().map(count).collect()
}

#[tokio::test]
async fn answers_find_their_messages_in_any_order() {
    let mut rig = Rig::new();
    let ago = Duration::from_millis(300);
    let outcomes = [
        rig.dispatch(0, ago),
        rig.dispatch(0, ago),
        rig.dispatch(0, ago),
    ];
    assert_eq!(
        rig.send(),
        [1, 2, 3].map(|id| format!(r#"{{"id":"{id}","from":"home-0"}}"#))
    );
    assert!(rig.receive(r#"{"id":"3","ok":true}"#));
    assert!(rig.receive(r#"{"id":"1","ok":false}"#));
    // A second answer, and one to no message.
    assert!(!rig.receive(r#"{"id":"3","ok":true}"#));
    assert!(!rig.receive(r#"{"id":"7","ok":true}"#));
    assert_eq!(rig.context.recorder.level(Level::ExchangesInFlight), 1);
    assert!(rig.receive(r#"{"id":"2","ok":true}"#));

    let [first, second, third] = outcomes;
    assert_eq!(
        (first.await, second.await, third.await),
        (Ok(false), Ok(true), Ok(true))
    );
    let taken = rig.context.recorder.take_snapshot();
    let counted: BTreeMap<String, u64> = taken.counters.into_iter().collect();
    let names = [
        counter::EXCHANGES_DUE,
        counter::EXCHANGES_SENT,
        counter::EXCHANGES_ANSWERED,
        counter::EXCHANGES_REJECTED,
    ];
    assert_eq!(counts(&counted, &names), [3, 3, 2, 1]);
    // Response time counts from the due time, service time from sending.
    let max = |tag| {
        let found = taken.latencies.iter().find(|(t, _)| *t == tag);
        found.expect("a time").1.max() / 1000
    };
    assert!(
        max("exchanges.response") >= 300,
        "{}",
        max("exchanges.response")
    );
    assert!(
        max("exchanges.service") < 300,
        "{}",
        max("exchanges.service")
    );
}

#[tokio::test]
async fn socket_takes_one_message_in_order_at_a_time() {
    let mut rig = Rig::new();
    let first = rig.dispatch(1, Duration::ZERO);
    let second = rig.dispatch(1, Duration::ZERO);
    assert!(second.await.is_err(), "every device is busy");
    assert_eq!(rig.send(), ["poll"]);
    assert!(!rig.receive("old"));
    assert!(rig.receive("news: none"));
    assert_eq!(first.await, Ok(true));
    let third = rig.dispatch(1, Duration::ZERO);
    assert_eq!(rig.send(), ["poll"]);
    assert!(rig.receive("news"));
    assert_eq!(third.await, Ok(true));
    let names = [
        counter::EXCHANGES_DUE,
        counter::EXCHANGES_DROPPED,
        counter::EXCHANGES_SENT,
    ];
    assert_eq!(counts(&rig.counted(), &names), [3, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn message_without_an_answer_times_out_at_its_instant() {
    let mut rig = Rig::new();
    let slow = rig.dispatch(0, Duration::ZERO);
    let quick = rig.dispatch(1, Duration::ZERO);
    rig.send();
    let start = Instant::now();
    assert_eq!(
        rig.exchanges.next_timeout(),
        Some(start + Duration::from_secs(2))
    );
    tokio::time::advance(Duration::from_secs(2)).await;
    rig.exchanges.time_out(&rig.context);
    assert_eq!(quick.await, Ok(false));
    assert_eq!(
        rig.exchanges.next_timeout(),
        Some(start + Duration::from_secs(5))
    );
    tokio::time::advance(Duration::from_secs(3)).await;
    rig.exchanges.time_out(&rig.context);
    assert_eq!(slow.await, Ok(false));
    assert_eq!(rig.exchanges.next_timeout(), None);
    // Too late: it has counted as timed out.
    assert!(!rig.receive(r#"{"id":"1","ok":true}"#));
    let names = [counter::EXCHANGES_TIMED_OUT, counter::EXCHANGES_ANSWERED];
    assert_eq!(counts(&rig.counted(), &names), [2, 0]);
    // The socket is free again.
    rig.dispatch(1, Duration::ZERO);
    assert_eq!(rig.send(), ["poll"]);
}

#[tokio::test]
async fn end_of_the_socket_loses_what_was_sent_and_nothing_else() {
    let mut rig = Rig::new();
    let sent = rig.dispatch(0, Duration::ZERO);
    rig.dispatch(2, Duration::ZERO);
    assert_eq!(rig.send().last().map(String::as_str), Some("[c0, 00]"));
    let unsent = rig.dispatch(0, Duration::ZERO);
    let Rig {
        context, exchanges, ..
    } = rig;
    exchanges.close(&context);
    assert_eq!(sent.await, Ok(false));
    assert!(unsent.await.is_err());
    // The socket takes no more.
    let (sender, late) = oneshot::channel();
    dispatch(&context, 0, Instant::now(), Completion::User(sender));
    assert!(late.await.is_err());

    let counters = context.recorder.take_snapshot().counters;
    let counted: BTreeMap<String, u64> = counters.into_iter().collect();
    let names = [
        counter::EXCHANGES_DUE,
        counter::EXCHANGES_SENT,
        counter::EXCHANGES_LOST,
        counter::EXCHANGES_ONE_WAY,
        counter::EXCHANGES_NO_DEVICE,
    ];
    assert_eq!(counts(&counted, &names), [4, 2, 1, 1, 2]);
    assert_eq!(context.recorder.level(Level::ExchangesInFlight), 0);
}

#[tokio::test]
async fn frame_with_the_nonce_of_a_command_is_its_reply() {
    let mut rig = Rig::new();
    let expect = |rig: &Rig, nonce| {
        let (arrived, receiver) = oneshot::channel();
        let reply = AwaitedReply {
            load: 0,
            nonce,
            arrived,
        };
        let pushed = rig.exchanges.link.push(LinkItem::Reply(reply));
        pushed.expect("the socket is open");
        receiver
    };
    let (first, second) = (expect(&rig, 7), expect(&rig, 8));
    assert!(!rig.receive("done"));
    assert!(rig.receive("done 0000000000000008"));
    assert_eq!(second.await, Ok(()));
    // The end of the socket tells the other command.
    let Rig {
        context, exchanges, ..
    } = rig;
    exchanges.close(&context);
    assert!(first.await.is_err());
}

/// An idle socket of a pool with messages holds this, its link and its frames; a socket of any
/// other pool holds a null pointer.
#[test]
fn idle_socket_with_messages_takes_half_a_kibibyte() {
    // Two counters of the link's `Arc`, and a place in one set: a key with the link, and its
    // position in a hash table that is at least seven sixteenths full.
    let counters = 2 * size_of::<usize>();
    let place = size_of::<(DeviceKey, Arc<DeviceLink>)>() + size_of::<(DeviceKey, u32)>() * 16 / 7;
    let size = size_of::<SocketExchanges>()
        + size_of::<SocketFrames>()
        + size_of::<DeviceLink>()
        + counters
        + place;
    assert!(size as u64 <= SocketExchanges::IDLE_BYTES, "{size} bytes");
    assert_eq!(
        size_of::<Option<Box<SocketExchanges>>>(),
        size_of::<usize>()
    );
}

#[test]
fn socket_without_messages_has_no_link() {
    let plan = highwater_scenarios::parse(
        "n.toml",
        &PLAN[..PLAN.find("[[messages]]").expect("messages")],
        &["target.dialect=plain".to_owned()],
    );
    let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    let links = crate::worker::links::DeviceLinks::new(&plan, &[None]);
    assert!(links.open(&plan, DEVICE, Box::default).is_none());
}

/// A frame that comes with the message takes it from the link. It was not sent before the next
/// message to the socket, if there was one.
#[tokio::test]
async fn message_that_arrives_with_a_frame_is_sent() {
    let mut rig = Rig::new();
    let _outcome = rig.dispatch(0, Duration::ZERO);
    assert!(!rig.receive("the server's ping"));
    let ready = std::future::poll_fn(|task| rig.exchanges.poll_ready(task));
    assert!(futures_util::poll!(std::pin::pin!(ready)).is_ready());
    assert_eq!(rig.send(), [r#"{"id":"1","from":"home-0"}"#]);
}
