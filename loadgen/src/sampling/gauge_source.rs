//! A process that describes itself in a protocol of its own.

use std::fmt;

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::Client;

use super::{gauges::Gauges, scrape::scrape};

/// A broker or a balancer that the sampler asks for its gauges.
///
/// An implementation answers or gives up in less than a second, because the next sample is
/// due one second later. It leaves out what the process does not report.
pub trait GaugeSource: fmt::Debug + Send + Sync {
    /// Reads the gauges of the process; `None` if it does not answer.
    fn read<'s>(&'s self, client: &'s Client) -> BoxFuture<'s, Option<Gauges>>;

    /// Whether child processes do the work of the process. Memory, CPU time and open files
    /// are then summed over the process and its children.
    fn has_children(&self) -> bool {
        false
    }
}

/// A process that serves its gauges as text over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct HttpGauges {
    url: String,
    parse: fn(&str) -> Option<Gauges>,
    has_children: bool,
}

impl HttpGauges {
    /// A source that fetches `url` and reads the body with `parse`.
    pub(crate) fn new(url: String, parse: fn(&str) -> Option<Gauges>) -> Self {
        Self {
            url,
            parse,
            has_children: false,
        }
    }

    /// Marks the process as one whose children do the work.
    pub(crate) fn with_children(mut self) -> Self {
        self.has_children = true;
        self
    }
}

impl GaugeSource for HttpGauges {
    fn read<'s>(&'s self, client: &'s Client) -> BoxFuture<'s, Option<Gauges>> {
        async move {
            // A broker or balancer may run without answering here; the sampler then
            // records the kernel's values alone, so the error itself is of no use.
            let text = scrape(client, &self.url).await.ok()?;
            (self.parse)(&text)
        }
        .boxed()
    }

    fn has_children(&self) -> bool {
        self.has_children
    }
}
