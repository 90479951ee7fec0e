//! The rows in Markdown.

use std::{fmt, time::Duration};

use super::row::{BrokerKill, ConsumerKill, Figures, Row, Steady, Throughput};
use crate::bench::{cells::cell, measured::Measured};

/// The head of the table.
const HEAD: &str = "\
| queue | p50, p99 to the consumer | CPU per 1,000 records: nodes, broker, consumers \
| out of order, twice | accepted, handled of 20,000/s | a consumer is killed | a consumer joins \
| the broker is killed and returns after 5 s |
|---|--:|--:|--:|--:|---|--:|---|
";
/// The columns behind the queue.
const COLUMNS: usize = 7;

/// The comparison with everything that its figures belong to.
pub(super) struct Table {
    /// The circumstances.
    pub(super) measured: Measured,
    /// The queues.
    pub(super) rows: Vec<Row>,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}.\n", self.measured)?;
        f.write_str(HEAD)?;
        for row in &self.rows {
            if let Some(figures) = &row.figures {
                writeln!(f, "| {} | {} |", row.name, cells(figures).join(" | "))?;
            }
        }
        if self.rows.iter().any(|row| !row.problems.is_empty()) {
            f.write_str("\nNot measured:\n\n")?;
        }
        for row in &self.rows {
            for problem in &row.problems {
                writeln!(f, "- {}: {problem}", row.name)?;
            }
        }
        Ok(())
    }
}

fn cells(figures: &Figures) -> [String; COLUMNS] {
    let steady = figures.steady.as_ref();
    [
        cell(steady, latency),
        cell(steady, cpu),
        cell(steady, order),
        cell(figures.throughput, throughput),
        cell(figures.consumer_kill, consumer_kill),
        cell(figures.consumer_kill, |kill| {
            format!("{} pause", seconds(kill.join_pause))
        }),
        cell(figures.broker_kill, broker_kill),
    ]
}

fn latency(steady: &Steady) -> String {
    let milliseconds = |ms: f64| match ms {
        ..10.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    };
    let [p50, p99] =
        [steady.latency_p50_ms, steady.latency_p99_ms].map(|ms| cell(ms, milliseconds));
    format!("{p50}, {p99} ms")
}

fn cpu(steady: &Steady) -> String {
    let parts = [
        steady.nodes_ms_per_thousand,
        steady.broker_ms_per_thousand,
        steady.consumers_ms_per_thousand,
    ];
    let parts = parts.map(|ms| cell(ms, |ms| format!("{ms:.0}")));
    format!("{} ms", parts.join(", "))
}

fn order(steady: &Steady) -> String {
    format!(
        "{}, {}",
        steady.out_of_order,
        cell(steady.duplicated, count)
    )
}

fn throughput(throughput: Throughput) -> String {
    let Throughput {
        accepted_per_s,
        handled_per_s,
    } = throughput;
    format!("{accepted_per_s:.0}, {handled_per_s:.0}/s")
}

fn consumer_kill(kill: ConsumerKill) -> String {
    format!(
        "{} longest wait, {} redelivered, {} twice, {} lost",
        cell(kill.longest_wait, seconds),
        cell(kill.redelivered, count),
        cell(kill.duplicated, count),
        cell(kill.lost, count)
    )
}

fn broker_kill(kill: BrokerKill) -> String {
    format!(
        "{} longest wait to be accepted, {} never accepted, {} twice, {} lost",
        cell(kill.longest_acceptance, seconds),
        kill.unaccepted,
        cell(kill.duplicated, count),
        cell(kill.lost, count)
    )
}

fn count(count: u64) -> String {
    count.to_string()
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds @ ..1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figure_that_was_not_measured_is_a_dash_and_never_zero() {
        assert_eq!(cells(&Figures::default()), ["–"; COLUMNS]);
        let figures = Figures {
            steady: Some(Steady {
                latency_p50_ms: Some(1.26),
                consumers_ms_per_thousand: Some(41.6),
                out_of_order: 3,
                ..Steady::default()
            }),
            consumer_kill: Some(ConsumerKill {
                longest_wait: None,
                redelivered: Some(31),
                duplicated: Some(0),
                lost: None,
                join_pause: Duration::from_millis(3_240),
            }),
            broker_kill: Some(BrokerKill {
                longest_acceptance: Some(Duration::from_millis(912)),
                unaccepted: 0,
                duplicated: None,
                lost: Some(7),
            }),
            ..Figures::default()
        };
        let expected = [
            "1.3, – ms",
            "–, –, 42 ms",
            "3, –",
            "–",
            "– longest wait, 31 redelivered, 0 twice, – lost",
            "3.2 s pause",
            "912 ms longest wait to be accepted, 0 never accepted, – twice, 7 lost",
        ];
        assert_eq!(cells(&figures), expected);
    }

    #[test]
    fn queue_that_could_not_be_measured_is_below_the_table() {
        let row = |name, figures, problem: &str| Row {
            name,
            figures,
            problems: vec![problem.to_owned()],
        };
        let table = Table {
            measured: Measured::now(),
            rows: vec![
                row("redis", None, "not installed"),
                row("nats", Some(Figures::default()), "the run does not end"),
            ],
        };
        let text = table.to_string();
        let (_, text) = text.split_once("|---|").unwrap();
        let expected = "--:|--:|--:|--:|---|--:|---|
| nats | – | – | – | – | – | – | – |

Not measured:

- redis: not installed
- nats: the run does not end
";
        assert_eq!(text, expected);
    }
}
