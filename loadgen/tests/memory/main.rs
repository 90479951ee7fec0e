//! The memory of an idle device: live bytes of the allocator, which are the same on any
//! machine. The server keeps nothing but open files, so the heap grows by what a worker keeps.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod server;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use highwater_loadgen::{
    access::{ClientAccess, ClientOptions},
    clock::RunClock,
    endpoints::Endpoints,
    worker::{
        context::{Clients, Context, Protocols},
        devices::batch,
        dialect::plain::Plain,
        frames::PoolProtocol,
        recorder::{Count, Level},
        signals::Signals,
        source_address::SourceAddresses,
    },
};
use highwater_scenarios::{Plan, Segment};
use tikv_jemalloc_ctl::{epoch, stats};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Devices of the plan: three batches, the first for the memory that a worker takes once.
const DEVICES: usize = 3_000;
/// Readings of the heap, of which the least counts.
const SAMPLES: usize = 50;
/// Most bytes of heap per idle device.
const LIMIT: usize = 1_280;

fn plan(server: SocketAddr) -> Plan {
    let text = format!(
        r#"
        name = "memory"
        duration = "1h"
        [target]
        ws = "ws://{server}/"
        dialect = "plain"
        [[devices]]
        name = "home"
        count = {DEVICES}
        ramp = "2000/s"
        heartbeat = "5s"
        # A busy machine ends no socket.
        max_missed = 1000
        "#
    );
    highwater_scenarios::parse("memory.toml", &text, &[]).unwrap()
}

async fn context(server: SocketAddr) -> Arc<Context> {
    let plan = plan(server);
    let access = ClientAccess::default();
    let pools = PoolProtocol::compile_all(&plan, &access.environment).unwrap();
    let options = ClientOptions::new(&access).unwrap();
    let rows = vec![Default::default()];
    let clients = Clients::prepare(
        &plan,
        Segment::whole(),
        rows,
        options,
        SourceAddresses::default(),
    )
    .await;
    let now = Instant::now();
    let (_, steady) = watch::channel(Some(now));
    Arc::new(Context::new(
        plan,
        Segment::whole(),
        Protocols {
            dialect: &Plain,
            pools,
        },
        Endpoints {
            ws: vec![format!("ws://{server}/")],
            http: Vec::new(),
        },
        clients.unwrap(),
        RunClock::starting_at(now),
        Signals {
            ramp: now,
            steady,
            drain: CancellationToken::new(),
            close: CancellationToken::new(),
        },
    ))
}

/// Waits until this many devices are open and each has had some heartbeats.
async fn wait_until_idle(context: &Context, devices: usize) {
    let is_open = || context.recorder.level(Level::SocketsOpen) == devices as i64;
    while !is_open() {
        sleep(Duration::from_millis(20)).await;
    }
    let before = context.recorder.value(Count::HeartbeatsAcknowledged);
    let acknowledged = || context.recorder.value(Count::HeartbeatsAcknowledged) - before;
    while acknowledged() < 2 * devices as u64 {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Returns the heap at its least. What a heartbeat under way holds is not part of an idle device.
async fn idle_bytes() -> usize {
    let mut least = usize::MAX;
    for _ in 0..SAMPLES {
        least = least.min(live_bytes());
        sleep(Duration::from_millis(20)).await;
    }
    least
}

fn live_bytes() -> usize {
    // jemalloc caches its statistics until the epoch advances.
    epoch::advance().unwrap();
    stats::allocated::read().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_device_stays_within_its_bytes() {
    let context = context(server::listen()).await;
    let parts: Vec<_> = batch::parts(&context.plan, context.segment).collect();
    let (first, others) = parts.split_first().unwrap();
    let batch_size = DEVICES / parts.len();
    let run = |part| tokio::spawn(batch::run(context.clone(), part));

    let mut batches = vec![run(*first)];
    wait_until_idle(&context, batch_size).await;
    let before = idle_bytes().await;
    batches.extend(others.iter().copied().map(run));
    wait_until_idle(&context, DEVICES).await;
    let devices = DEVICES - batch_size;
    let heap = idle_bytes().await.saturating_sub(before) / devices;
    println!("{heap} bytes of heap per idle device");
    assert!(heap > 0 && heap <= LIMIT, "{heap} bytes of heap");
    batches.iter().for_each(tokio::task::JoinHandle::abort);
}
