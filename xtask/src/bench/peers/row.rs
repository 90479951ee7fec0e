//! One tool's row.

use super::latency::Latency;

/// One tool's row.
#[derive(Debug)]
pub(super) struct Row {
    /// The tool.
    pub(super) tool: &'static str,
    /// The version; `None` where the tool is not installed.
    pub(super) version: Option<String>,
    /// The figures, or the reason why they are missing.
    pub(super) outcome: Result<Measurement, String>,
}

/// The figures of one tool.
#[derive(Debug)]
pub(super) struct Measurement {
    /// The fewest sockets that the server counted in the steady phase.
    pub(super) sockets: u64,
    /// The sockets opened in a second, by the server's count from a tenth to nine tenths of them.
    pub(super) opened_per_s: Option<f64>,
    /// The resident memory of the tool's process tree with all sockets open.
    pub(super) rss_bytes: u64,
    /// The resident memory of each socket: the difference to the same tool with one socket.
    pub(super) rss_bytes_per_socket: Option<f64>,
    /// The tool's CPU time for each heartbeat that the server received, in microseconds.
    pub(super) cpu_us_per_heartbeat: Option<f64>,
    /// The tool's own report.
    pub(super) reported: Latency,
    /// The latency from the schedule and the pause.
    pub(super) due: Latency,
}
