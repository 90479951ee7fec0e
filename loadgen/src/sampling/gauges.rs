//! The values of one sample, and the processes that report them in a protocol of their own.

use std::{collections::BTreeMap, fmt};

use futures_util::future::{BoxFuture, FutureExt};
use highwater_reports::record::{Interval, Source};
use reqwest::Client;

use super::scrape::scrape;

/// Gauges by [`name`](highwater_reports::record::names::gauge); sizes in bytes, times in
/// seconds.
pub type Gauges = BTreeMap<String, f64>;

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
    /// The address of the text.
    pub(crate) url: String,
    /// Reads the gauges in the text; `None` if it is another text.
    pub(crate) parse: fn(&str) -> Option<Gauges>,
    /// Whether child processes do the work.
    pub(crate) has_children: bool,
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

/// Returns the gauges that have a value.
pub(crate) fn measured<'n>(values: impl IntoIterator<Item = (&'n str, Option<f64>)>) -> Gauges {
    values
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Returns the line of the record for gauges read at one instant, `at` in seconds on the
/// run's clock.
pub(crate) fn sample_interval(at: f64, source: Source, gauges: Gauges) -> Interval {
    Interval {
        at,
        // A sample has length 0 and no counters (docs/run-record.md).
        length: 0.0,
        source,
        counters: BTreeMap::new(),
        gauges,
    }
}
