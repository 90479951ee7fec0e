//! The report as a person sees it, without a network.

use std::{fs, path::Path};

use highwater_reports::{
    WrittenReport,
    record::{
        JournalCounts, RecordEvent, SourceRole,
        names::{counter, gauge, latency},
    },
    summary::Summary,
    write_report, write_report_against,
};

use crate::{
    messages,
    run::{DRAIN_S, RAMP_S, STEADY_S, TestRun, action, line},
    telemetry,
};

/// Creates a run with content for every chart and every table.
pub(crate) fn eventful() -> TestRun {
    let mut run = TestRun::clean();
    run.add_event(12.0, action("kill-node", "n2"));
    run.add_event(16.0, action("restart-node", "n2"));
    run.add_event(20.0, action("fault", "<script>\"&"));
    for second in 12..16 {
        run.add_count("w1", second, "disconnect.reset", 40);
        run.add_count("w2", second, "commands.failed.status_502", 3);
        run.add_count("w2", second, counter::HEARTBEATS_MISSED, 7);
        run.add_count("w2", second, counter::HEARTBEATS_DUE, 7);
        run.line(SourceRole::Node, "n2", second).gauges = [(gauge::UP.to_owned(), 0.0)].into();
        run.add_latency(latency::COMMAND_RESPONSE, second as f64, &[700, 900]);
    }
    for bucket in 121..150 {
        run.add_conn_event(bucket, "opened.n1", 7)
            .add_conn_event(bucket, "reconnected", 7);
    }
    with_messages_and_telemetry(&mut run);
    with_processes(&mut run);
    run.add_gate("heartbeats.response.p99 <= 50", None);
    run.add_gate("sockets.failed == 0", None);
    run
}

fn with_messages_and_telemetry(run: &mut TestRun) {
    let plan = &mut run.manifest.plan;
    plan.publish.push(messages::load());
    plan.telemetry.push(telemetry::load());
    for second in RAMP_S..RAMP_S + STEADY_S {
        for (name, count) in [
            (counter::MESSAGES_SCHEDULED, 5),
            (counter::MESSAGES_PUBLISHED, 5),
            (counter::MESSAGES_RECEIVED, 5_000),
            (counter::MESSAGES_DELIVERED, 5_000),
            (counter::TELEMETRY_DUE, 100),
            (counter::TELEMETRY_SENT, 100),
            (counter::TELEMETRY_ACCEPTED, 100),
        ] {
            run.add_count("w1", second, name, count);
        }
        let at = second as f64;
        run.add_latency(latency::MESSAGE_LATENCY, at, &[2, 3, 4]);
        run.add_latency(latency::MESSAGE_SERVICE, at, &[1, 2, 3]);
        run.add_latency(latency::TELEMETRY_RESPONSE, at, &[5, 6, 7]);
        run.add_latency(latency::TELEMETRY_SERVICE, at, &[4, 5, 6]);
    }
    let journals = RecordEvent::Telemetry(JournalCounts {
        handled: 2_000,
        duplicated: 12,
        redelivered: 12,
        unknown: 0,
        unreadable: 0,
        lost: Some(0),
    });
    run.add_event((RAMP_S + STEADY_S + DRAIN_S) as f64 - 0.5, journals);
}

/// Adds samples of the nodes, the broker and two consumers each second. c2 stops at 14 s.
fn with_processes(run: &mut TestRun) {
    for second in 0..RAMP_S + STEADY_S + DRAIN_S {
        let (at, steady) = (second as f64 + 0.01, second.saturating_sub(RAMP_S) as f64);
        for node in ["n1", "n2"] {
            let gauges = &mut run.line(SourceRole::Node, node, second).gauges;
            if gauges.contains_key(gauge::RSS) {
                gauges.insert(gauge::COMMANDS_TAKEN.to_owned(), steady * 10.0);
                gauges.insert(gauge::BACKPLANE_SENT.to_owned(), steady * 20.0);
            }
        }
        let broker = [
            (gauge::RSS, 8e6),
            (gauge::CPU, second as f64 * 0.05),
            (gauge::BROKER_CLIENTS, 5.0),
            (gauge::BROKER_MESSAGES_IN, steady * 40.0),
        ];
        run.intervals
            .push(line(SourceRole::Broker, "broker", at, 0.0, &broker));
        for (id, most) in [("c1", f64::INFINITY), ("c2", 9.0)] {
            let handled = steady.min(most) * 50.0;
            let gauges = [(gauge::RSS, 7e6), (gauge::TELEMETRY_HANDLED, handled)];
            run.intervals
                .push(line(SourceRole::Consumer, id, at, 0.0, &gauges));
        }
    }
}

fn written(run: &TestRun, dir: &Path) -> (WrittenReport, String) {
    run.write(dir);
    let report = write_report(dir).unwrap();
    let html = fs::read_to_string(&report.html).unwrap();
    (report, html)
}

#[test]
fn page_loads_nothing() {
    // The page stays after the test, so that a developer can look at it.
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    let _ = fs::remove_dir_all(&dir);
    let (_, html) = written(&eventful(), &dir);
    // The name of the SVG namespace is an address that no browser loads.
    let html_of_charts = html.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!html_of_charts.contains(outside), "{outside}");
    }
    assert_eq!(
        html.matches("href=").count(),
        html.matches("href=\"#").count()
    );
    assert_eq!(
        html.matches("<script").count(),
        2,
        "the values and the script that shows them"
    );
    assert!(html.contains("Two nodes &amp; a thousand &lt;idle&gt; sockets."));
    assert!(html.contains("# &lt;b&gt;not bold&lt;") && !html.contains("<b>not bold"));
}

#[test]
fn page_shows_marks_that_change_the_direction() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = eventful();
    run.manifest
        .scenario_text
        .push_str("# \u{202e}sdrawkcab\r\n");
    let (_, html) = written(&run, dir.path());
    assert!(!html.contains('\u{202e}'));
    assert!(html.contains("# \\u{202e}sdrawkcab\r\n"));
}

#[test]
fn every_chart_has_a_title_a_description_and_theme_colours() {
    let dir = tempfile::tempdir().unwrap();
    let (report, html) = written(&eventful(), dir.path());
    let names: Vec<_> = report
        .charts
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "sockets",
            "evenness",
            "arrivals",
            "heartbeat-latency",
            "command-latency",
            "message-latency",
            "telemetry-latency",
            "memory",
            "heap",
            "open-files",
            "cpu",
            "backplane",
            "throughput",
            "consumers",
            "errors",
            "percentiles",
            "memory-fit",
            "sockets-per-node"
        ]
    );
    for (name, path) in names.iter().zip(&report.charts) {
        assert!(html.contains(&format!("<figure id=\"{name}\"")), "{name}");
        let svg = fs::read_to_string(path).unwrap();
        for part in [
            "<title id=",
            "<desc id=",
            "var(--series-",
            "--series-1:",
            "<text",
        ] {
            assert!(svg.contains(part), "{name} has no {part}");
        }
        // Placeholders of the theme begin with A0 to A3.
        assert!(!svg.contains("\"#A"), "{name} has a placeholder left");
    }
}

#[test]
fn many_nodes_are_drawn_as_a_band() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = TestRun::clean();
    for node in 3..=20 {
        for second in 0..25 {
            let mut copy = run.line(SourceRole::Node, "n1", second).clone();
            copy.source.id = format!("n{node}");
            run.intervals.push(copy);
        }
    }
    let (report, _) = written(&run, dir.path());
    let svg = fs::read_to_string(&report.charts[0]).unwrap();
    assert!(
        svg.contains("least to most of 20") && svg.contains("<polygon"),
        "{svg}"
    );
}

#[test]
fn line_is_split_where_samples_are_missing() {
    let dir = tempfile::tempdir().unwrap();
    let (_, whole) = written(&TestRun::clean(), dir.path());
    let dir = tempfile::tempdir().unwrap();
    let mut run = TestRun::clean();
    for second in 8..20 {
        run.line(SourceRole::Node, "n1", second)
            .gauges
            .remove(gauge::RSS);
    }
    let (_, broken) = written(&run, dir.path());
    let lines = |html: &str| html.matches("<polyline").count();
    assert!(lines(&broken) > lines(&whole));
}

#[test]
fn derived_files_agree() {
    let dir = tempfile::tempdir().unwrap();
    let (report, html) = written(&eventful(), dir.path());
    let text = fs::read(&report.summary_json).unwrap();
    assert_eq!(
        serde_json::from_slice::<Summary>(&text).unwrap(),
        report.summary
    );
    let junit = fs::read_to_string(&report.junit).unwrap();
    for part in [
        "tests=\"3\" skipped=\"0\" failures=\"1\" errors=\"0\"",
        "heartbeats.response.p99 &lt;= 50: is 99 ms, limit 50 ms",
        "name=\"the run\"",
    ] {
        assert!(junit.contains(part), "no {part} in {junit}");
    }
    assert!(html.contains("1 of 2 gates does not hold"));
    // The same record gives the same page again.
    write_report(dir.path()).unwrap();
    assert_eq!(fs::read_to_string(&report.html).unwrap(), html);
    let left = fs::read_dir(dir.path()).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.ends_with(".part")));
}

#[test]
fn inconclusive_run_is_an_error_in_junit() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = TestRun::clean();
    run.events.pop();
    let (report, _) = written(&run, dir.path());
    let junit = fs::read_to_string(&report.junit).unwrap();
    assert!(junit.contains("errors=\"1\""), "{junit}");
}

#[test]
fn empty_record_has_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = TestRun::clean();
    run.intervals.clear();
    run.latencies.clear();
    run.events.clear();
    let (report, html) = written(&run, dir.path());
    assert!(html.contains("the harness was killed"));
    let charts: Vec<_> = report
        .charts
        .iter()
        .map(|path| path.file_stem().unwrap())
        .collect();
    assert_eq!(
        charts,
        ["errors"],
        "the chart of errors states that nothing failed"
    );
}

#[test]
fn captions_describe_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = eventful();
    // A stall of the target raises both times, a second after the fault.
    run.add_latency(latency::HEARTBEAT_RESPONSE, 21.0, &[1_500; 100]);
    run.add_latency(latency::HEARTBEAT_SERVICE, 21.0, &[1_400; 100]);
    // A stall of the harness raises only the response time.
    run.add_latency(latency::COMMAND_RESPONSE, 9.0, &[2_000; 100]);
    let (_, html) = written(&run, dir.path());
    for text in [
        "Response p99 rose from 99 ms to 1.5 s at 21 s, 1 s after “fault &lt;script&gt;",
        "service time rose with it to 1.4 s, so the target was slow, not the harness",
        "to 2 s at 9 s; service time was 3 ms meanwhile, so the rest of the time passed before anything was sent",
        "1,000 sockets were open at most",
        "Most frequent: disconnect.reset, 160 times, at most 40/s",
        "One more socket costs a node 1.95 KiB of resident memory",
        "by samples once a second: c1 1,050, c2 450.",
        "c2 handled its last record at 13 s, 1 s after “kill-node n2”, while others went on.",
        "The broker received 40/s in the steady phase.",
    ] {
        assert!(html.contains(text), "no {text:?}");
    }
}

#[test]
fn unmeasured_metric_has_no_column_and_no_table() {
    let dir = tempfile::tempdir().unwrap();
    let (_, html) = written(&eventful(), dir.path());
    let head = |caption: &str| {
        let table = html.split_once(&format!("<caption>{caption}</caption>"));
        let (_, table) = table.unwrap_or_else(|| panic!("no table {caption}"));
        table.split_once("</thead>").unwrap().0.to_owned()
    };
    let nodes = head("Nodes");
    assert!(
        nodes.contains("peak sockets") && nodes.contains("peak heap"),
        "{nodes}"
    );
    let broker = head("Brokers");
    assert!(broker.contains("peak RSS"), "{broker}");
    assert!(
        !broker.contains("sockets") && !broker.contains("heap"),
        "{broker}"
    );
    for table in [
        "Traffic of the brokers",
        "Backplane",
        "Messages to topics",
        "Telemetry",
    ] {
        assert!(
            html.contains(&format!("<caption>{table}</caption>")),
            "no {table}"
        );
    }
    assert!(
        html.contains("<td>40&#x2f;s</td>"),
        "the broker's rate in the steady phase"
    );
    assert!(html.contains("handled 2,000, handled again 12, lost 0"));

    let mut silent = eventful();
    for line in &mut silent.intervals {
        line.gauges.retain(|name, _| !name.starts_with("broker."));
    }
    let dir = tempfile::tempdir().unwrap();
    let (_, html) = written(&silent, dir.path());
    assert!(!html.contains("Traffic of the brokers"));
}

#[test]
fn headline_has_its_gates_and_its_baseline() {
    let baseline = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir().unwrap();
    TestRun::clean().write(baseline.path());
    eventful().write(dir.path());
    let report = write_report_against(dir.path(), baseline.path()).unwrap();
    let html = fs::read_to_string(&report.html).unwrap();
    for text in [
        "✗ fails: response.p99 is 99 ms, must be &lt;= 50 ms",
        "✓ failed is 0, must be == 0",
        "baseline 99 ms (+0 %)",
    ] {
        assert!(html.contains(text), "no {text:?}");
    }
}

/// A target's metrics can hold any number, and a record can come from anywhere.
#[test]
fn gauges_of_any_size_are_drawn() {
    let extremes = [
        f64::MAX,
        -f64::MAX,
        1e300,
        -1e308,
        f64::MIN_POSITIVE,
        -5.0,
        0.0,
    ];
    for turn in 0..3 {
        let mut run = eventful();
        for (number, line) in run.intervals.iter_mut().enumerate() {
            for (name, value) in &mut line.gauges {
                if name != gauge::UP {
                    *value = extremes[(number + turn) % extremes.len()];
                }
            }
        }
        let dir = tempfile::tempdir().unwrap();
        run.write(dir.path());
        let report = write_report(dir.path()).unwrap();
        let page = fs::read_to_string(report.html).unwrap();
        assert!(page.trim_end().ends_with("</html>"));
    }
}
