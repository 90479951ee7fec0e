//! The cost of a socket, as measured.
//!
//! A capacity is a machine's limits divided by these costs, and no more exact than they are.
//! Bytes are stable from machine to machine; times are not.
//!
//! Bytes of a socket come from `cost_per_socket` in the summary of
//!
//! ```text
//! highwater run scenarios/idle-5k.toml --set devices.home.ramp=1000/s --set duration=45s
//! ```
//!
//! Bytes of a process without a socket come from `/proc` while a run begins. The cost of a
//! balancer stands in its [driver](crate::testbed::balancer).

/// The resident memory of a worker for one idle socket, in bytes: 1,200 with 200,000 sockets,
/// and up to 1,500 where a worker has 5,000.
pub const CLIENT_BYTES: u64 = 1_500;
/// The resident memory of a reference node for one idle socket, in bytes.
pub const NODE_BYTES: u64 = 1_100;
/// The memory of the kernel for one end of an idle socket, in bytes. The resident memory of
/// a process does not include it.
pub const KERNEL_BYTES: u64 = 4_600;
/// The memory of a proxy for one connection, in bytes: two buffers of 8 KiB, as tokio's
/// `copy_bidirectional` documents them. Proxies differ widely: pingora with 64 KiB in each
/// direction takes eight times as much.
pub const PROXY_BYTES: u64 = 2 * 8 * 1_024;
/// The memory of a worker for one user of a closed load model, in bytes.
pub const USER_BYTES: u64 = 10_000;

/// The memory of a worker or the coordinator without a socket, in bytes: `Private_Dirty` in
/// `/proc/PID/smaps_rollup`, and its page tables. Resident memory is some 10 MB more: the
/// program itself, which all processes share.
pub const WORKER_PROCESS_BYTES: u64 = 5 << 20;
/// The memory of a node or a broker without a socket, in bytes.
pub const NODE_PROCESS_BYTES: u64 = 5 << 19;
/// The threads of a process beside one for each CPU core: the main thread, and threads for
/// names and for child processes.
pub const EXTRA_THREADS: u64 = 4;

/// The CPU time of a worker for one heartbeat, in nanoseconds: `cpu_cores.workers` divided by the
/// heartbeats per second of `highwater run scenarios/c200k.toml`, without a firewall.
pub const CLIENT_HEARTBEAT_NS: u64 = 35_000;
/// The CPU time of a node for one heartbeat, in nanoseconds.
pub const NODE_HEARTBEAT_NS: u64 = 20_000;
/// The seconds between two heartbeats of a socket, if no scenario gives them.
pub const DEFAULT_HEARTBEAT_S: u64 = 20;
/// The sockets that a CPU core opens per second when both ends are on it. Two cores opened
/// 10,000 to 14,000.
pub const OPENS_PER_CPU_S: u64 = 5_000;
