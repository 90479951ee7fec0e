//! What a socket costs, as measured. A capacity is these figures set against a
//! machine's limits, and no better than they are: bytes are stable from machine
//! to machine, times are not.
//!
//! Bytes come from `cost_per_socket` in the summary of
//!
//! ```text
//! highwater run scenarios/idle-5k.toml --set devices.home.ramp=1000/s --set duration=45s
//! ```
//!
//! and those of a process without a socket from `/proc` while a run begins.

/// Resident memory of a worker for one idle socket, in bytes.
pub const CLIENT_BYTES: u64 = 2_800;
/// Resident memory of a reference node for one idle socket, in bytes.
pub const NODE_BYTES: u64 = 1_000;
/// Memory of the kernel for one end of an idle socket, in bytes. No process's
/// resident memory shows it.
pub const KERNEL_BYTES: u64 = 4_600;
/// Memory of a proxy for one connection in bytes: two buffers of 8 KiB, as
/// tokio's `copy_bidirectional` documents them. Proxies differ widely: one with
/// 64 KiB in each direction takes eight times as much.
pub const PROXY_BYTES: u64 = 2 * 8 * 1_024;
/// Resident memory of nginx for one socket that it forwards, in bytes: this and the next
/// two are `balancer_rss` of the same `cost_per_socket`, from
///
/// ```text
/// highwater run scenarios/balance-scale-up.toml --set cluster.balancer=nginx
/// ```
pub const NGINX_BYTES: u64 = 18_200;
/// The same of HAProxy.
pub const HAPROXY_BYTES: u64 = 4_800;
/// The same of a gateway.
pub const GATEWAY_BYTES: u64 = 1_100;
/// Memory of a worker for one user of a closed load model, in bytes.
pub const USER_BYTES: u64 = 10_000;

/// A worker, or the coordinator, without a socket, in bytes: what it shares
/// with no other process, as `Private_Dirty` of `/proc/PID/smaps_rollup` says,
/// and its page tables. Resident memory is some 10 MB more: the program itself,
/// which all of them share.
pub const WORKER_PROCESS_BYTES: u64 = 5 << 20;
/// The same of a node or a broker.
pub const NODE_PROCESS_BYTES: u64 = 5 << 19;
/// Threads of a process beside one for each processor: its first, and those
/// for names and for children.
pub const EXTRA_THREADS: u64 = 4;

/// Processor time of a worker for one heartbeat, in nanoseconds: its CPU time
/// over its heartbeats with 15,000 sockets, each of which wakes alone.
pub const CLIENT_HEARTBEAT_NS: u64 = 25_000;
/// The same of a node.
pub const NODE_HEARTBEAT_NS: u64 = 20_000;
/// Seconds between two heartbeats of a socket where no scenario says.
pub const DEFAULT_HEARTBEAT_S: u64 = 20;
/// Sockets that a processor opens per second when it has both ends: 10,000 to
/// 14,000 were opened by two.
pub const OPENS_PER_CPU_S: u64 = 5_000;
