//! Samples of real processes: this one, a paused one, and one that has ended.

use std::{fs::File, net::SocketAddr, process, time::Duration};

use highwater_loadgen::{
    access::CertVerification,
    sampling::{SampleEndpoint, SampleTarget, Sampler, host, own_process, raise_open_files},
};
use highwater_process::{Launch, Signal, Spawner};
use highwater_reports::record::{Interval, Source, SourceRole, names::gauge};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::process::{state, until};

fn target_by_pid(id: &str, pid: u32) -> SampleTarget {
    SampleTarget::new(Source::new(SourceRole::Node, id), Some(pid), None)
}

fn target_by_endpoint(id: &str, pid: Option<u32>, address: SocketAddr) -> SampleTarget {
    let endpoint = SampleEndpoint::prometheus(format!("http://{address}/metrics"));
    SampleTarget::new(Source::new(SourceRole::Node, id), pid, Some(endpoint))
}

/// Starts a server that answers every request with `status` and `body`.
async fn start_server(status: &'static str, body: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let body = body.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = socket.write_all(head.as_bytes()).await;
                let _ = socket.write_all(body.as_bytes()).await;
            });
        }
    });
    address
}

/// Starts a server that accepts and never answers, as a paused node does.
async fn start_hanging_server() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn names(interval: &Interval) -> Vec<&str> {
    interval.gauges.keys().map(String::as_str).collect()
}

/// Returns the first round of a new sampler.
async fn sample(at: f64, targets: &[SampleTarget]) -> Vec<Interval> {
    let mut sampler = Sampler::new(&CertVerification::NoTls).unwrap();
    sampler.sample(at, targets).await
}

#[tokio::test]
async fn own_usage_agrees_with_the_sample_of_this_process() {
    let targets = [target_by_pid("me", process::id())];
    let samples = sample(7.0, &targets).await;
    // The machine is the second.
    assert_eq!(samples.len(), 2);
    let first = &samples[0];
    assert_eq!((first.at, first.length), (7.0, 0.0));
    assert_eq!(first.source, targets[0].source);
    assert_eq!(samples[1].source.role, SourceRole::Host);

    let own = own_process();
    assert_eq!(own[gauge::STARTED_AT], first.gauges[gauge::STARTED_AT]);
    // In bytes: a process of this size would lie below the range in KiB or pages.
    let rss = first.gauges[gauge::RSS];
    assert!((1e6..1e9).contains(&rss), "{rss}");
    let memory = host().memory_bytes.unwrap() as f64;
    assert!(own[gauge::RSS] < memory);
    // Read later, so the time has grown or is the same.
    assert!(own[gauge::CPU] >= first.gauges[gauge::CPU]);
    assert_eq!(first.gauges[gauge::UP], 1.0);
}

/// Other tests open files in this process meanwhile, so the test counts those of a child.
#[tokio::test]
async fn open_files_of_a_child_are_counted_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let spawner = Spawner::start().unwrap();
    let mut children = Vec::new();
    for files in [0, 6] {
        let open: String = (3..3 + files)
            .map(|fd| format!("exec {fd}</dev/null; "))
            .collect();
        let script = format!("{open} sleep 1000 & echo open; wait");
        let launch = Launch::new("sh", ["-c", &script], folder.path().join("log"));
        let mut child = spawner.spawn(launch.with_first_line()).await.unwrap();
        // The shell writes it once its files are open.
        let opened = child.first_stdout_line(Duration::from_secs(30)).await;
        opened.unwrap();
        children.push(child);
    }
    let targets: Vec<_> = children
        .iter()
        .map(|child| target_by_pid("child", child.pid()))
        .collect();
    // A shell that starts a job holds further files for a moment.
    let counted = async {
        loop {
            let samples = sample(0.0, &targets).await;
            let files = |index: usize| samples[index].gauges[gauge::OPEN_FILES];
            if files(1) - files(0) == 6.0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_secs(30), counted).await;
    counted.expect("six files more in the second child");
}

#[tokio::test]
async fn ended_and_living_children_count_as_parts_of_a_tree() {
    const BURN: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    let folder = tempfile::tempdir().unwrap();
    // The first child has ended when the line is there, and the second one stays.
    let script = format!("sh -c '{BURN}'; sh -c 'sleep 1000; true' & echo burnt; wait");
    let launch = Launch::new("sh", ["-c", &script], folder.path().join("log"));
    let spawner = Spawner::start().unwrap();
    let mut child = spawner.spawn(launch.with_first_line()).await.unwrap();
    let line = child.first_stdout_line(Duration::from_secs(60)).await;
    line.unwrap();

    let alone = target_by_pid("alone", child.pid());
    let mut tree = target_by_pid("tree", child.pid());
    tree.scope.has_children = true;
    let samples = sample(0.0, &[alone, tree]).await;
    let [alone, tree] = [0, 1].map(|index| &samples[index].gauges);
    assert!(tree[gauge::RSS] > alone[gauge::RSS], "{alone:?} {tree:?}");
    assert!(tree[gauge::OPEN_FILES] > alone[gauge::OPEN_FILES]);
    // Two clock ticks at least; the shell itself has used less.
    assert!(
        tree[gauge::CPU] >= alone[gauge::CPU] + 0.02,
        "{alone:?} {tree:?}"
    );
    assert_eq!(tree[gauge::STARTED_AT], alone[gauge::STARTED_AT]);
}

#[tokio::test]
async fn own_open_files_rise_when_files_are_opened() {
    // A margin for files that other tests of this process close meanwhile.
    let (opened, margin) = (500, 200.0);
    raise_open_files().unwrap();
    let before = own_process()[gauge::OPEN_FILES];
    let files: Vec<File> = (0..opened)
        .map(|_| File::open("/dev/null").unwrap())
        .collect();
    let after = own_process()[gauge::OPEN_FILES];
    assert!(after - before >= opened as f64 - margin, "{before} {after}");
    drop(files);
}

#[tokio::test]
async fn paused_process_has_the_gauges_of_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::new("sleep", ["1000"], folder.path().join("log"));
    let child = Spawner::start().unwrap().spawn(launch).await.unwrap();
    child.signal(Signal::SIGSTOP).unwrap();
    until(|| state(child.pid()) == Some('T')).await;

    let (_listener, hanging) = start_hanging_server().await;
    let answering =
        start_server("200 OK", "highwater_sockets 3\nprocess_open_fds 9\n".into()).await;
    let rejecting = start_server("503 Service Unavailable", "highwater_sockets 4\n".into()).await;
    let targets = [
        target_by_endpoint("n1", Some(child.pid()), hanging),
        target_by_endpoint("n2", None, answering),
        target_by_endpoint("n3", None, rejecting),
    ];
    let samples = sample(1.0, &targets).await;

    assert_eq!(
        names(&samples[0]),
        [
            gauge::CPU,
            gauge::OPEN_FILES,
            gauge::RSS,
            gauge::STARTED_AT,
            gauge::UP
        ]
    );
    assert_eq!(samples[0].gauges[gauge::UP], 0.0);
    assert_eq!(
        samples[1].gauges,
        [
            (gauge::OPEN_FILES, 9.0),
            (gauge::SOCKETS_OPEN, 3.0),
            (gauge::UP, 1.0)
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    );
    assert_eq!(names(&samples[2]), [gauge::UP]);
    assert_eq!(samples[2].gauges[gauge::UP], 0.0);
}

#[tokio::test]
async fn kernel_value_replaces_the_value_of_the_endpoint() {
    let text = "process_resident_memory_bytes 1\nhighwater_heap_allocated_bytes 2\n";
    let address = start_server("200 OK", text.into()).await;
    let targets = [target_by_endpoint("me", Some(process::id()), address)];
    // In a task of its own, as in the coordinator: the future must be `Send`.
    let task = tokio::spawn(async move { sample(0.0, &targets).await });
    let samples = task.await.unwrap();
    assert!(samples[0].gauges[gauge::RSS] > 1e6);
    assert_eq!(samples[0].gauges[gauge::HEAP], 2.0);
}

#[tokio::test]
async fn answer_above_the_size_limit_is_dropped() {
    // 6 MB; the limit is 4 MiB.
    let long = "highwater_sockets 3\n".repeat(300_000);
    let address = start_server("200 OK", long).await;
    let samples = sample(0.0, &[target_by_endpoint("n1", None, address)]).await;
    assert!(!samples[0].gauges.contains_key(gauge::SOCKETS_OPEN));
}

#[tokio::test]
async fn ended_process_has_no_gauges() {
    let folder = tempfile::tempdir().unwrap();
    // One sampler for both rounds, because it remembers the processes of the last one.
    let mut sampler = Sampler::new(&CertVerification::NoTls).unwrap();
    let launch = Launch::new("sleep", ["1000"], folder.path().join("log"));
    let child = Spawner::start().unwrap().spawn(launch).await.unwrap();
    let targets = [target_by_pid("n1", child.pid())];
    let running = sampler.sample(0.0, &targets).await;
    assert_eq!(running[0].gauges[gauge::UP], 1.0);
    // A process that has ended stays in /proc as a zombie until its parent reads its status.
    child.signal(Signal::SIGKILL).unwrap();
    until(|| state(child.pid()) == Some('Z')).await;
    let samples = sampler.sample(1.0, &targets).await;
    assert_eq!(names(&samples[0]), [gauge::UP]);
    assert_eq!(samples[0].gauges[gauge::UP], 0.0);
}

#[test]
fn host_description_has_the_raised_limit_of_files() {
    let reached = raise_open_files().unwrap();
    let host = host();
    assert_eq!(host.open_files_limit, Some(reached));
    assert!(host.cpus.unwrap() >= 1);
    assert!(host.os.unwrap().contains("kernel"));
}
