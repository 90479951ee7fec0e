use expect_test::expect;

use super::*;

fn accepts(selector: &str, labels: &[(&str, &str)]) -> bool {
    let selector = MetricSelector::parse(selector).unwrap();
    selector.accepts(|name| {
        let label = labels.iter().find(|(label, _)| *label == name);
        label.map(|(_, value)| *value)
    })
}

#[test]
fn matchers_select_as_in_promql() {
    let labels = [("queue", "in"), ("shard", "a1\nb")];
    for (selector, expected) in [
        ("depth", true),
        ("depth{}", true),
        ("depth{queue=\"in\"}", true),
        ("depth { queue = 'in' , }", true),
        ("depth{queue=\"out\"}", false),
        ("depth{queue!=\"out\"}", true),
        ("depth{queue!=\"in\"}", false),
        // A pattern matches the whole value, line feeds included.
        ("depth{queue=~\"i\"}", false),
        ("depth{queue=~\"i.|out\"}", true),
        ("depth{queue=~\"out|i.\"}", true),
        ("depth{shard=~\"a.*\"}", true),
        ("depth{queue!~\"i.*\"}", false),
        ("depth{queue!~\"o.*\"}", true),
        // An absent label is an empty one.
        ("depth{zone=\"\"}", true),
        ("depth{zone!=\"\"}", false),
        ("depth{zone=~\".*\"}", true),
        ("depth{queue=\"in\",shard=\"a1\\nb\"}", true),
        ("depth{queue=`i\\n`}", false),
    ] {
        assert_eq!(accepts(selector, &labels), expected, "{selector}");
    }
}

#[test]
fn name_of_the_metric_may_stand_within_the_braces() {
    for (selector, metric) in [
        ("node:depth:sum", "node:depth:sum"),
        ("{\"app.queue.depth\", queue=\"in\"}", "app.queue.depth"),
        ("{__name__=\"depth\"}", "depth"),
        ("{'http.route'=\"/\", \"depth\"}", "depth"),
    ] {
        assert_eq!(MetricSelector::parse(selector).unwrap().metric(), metric);
    }
}

#[test]
fn text_that_is_no_instant_selector_is_explained() {
    let texts = [
        "",
        "9lives",
        "depth{",
        "depth{queue}",
        "depth{queue=in}",
        "depth{queue=\"in}",
        "depth{queue=\"a\\d\"}",
        "depth{queue=\"in\" shard=\"a\"}",
        "depth{queue=~\"(\"}",
        "depth{queue=~\")(\"}",
        "depth{queue=~\"(a{1000}){1000}\"}",
        "depth[5m]",
        "sum(depth)",
        "{queue=\"in\"}",
        "{__name__=~\"a.*\"}",
        "depth{__name__=\"other\"}",
        "{\"\"}",
        "http_seconds_bucket",
    ];
    let problems = texts.map(|text| MetricSelector::parse(text).unwrap_err());
    let shown = problems.map(|problem| match problem.hint {
        Some(hint) => format!("{} ({hint})", problem.message),
        None => problem.message,
    });
    expect![[r#"
        no name of a metric
        `9lives` in place of the end of the selector (functions, ranges and operators are not known: matching series are summed, and counters become rates)
        the end in place of a label or `}`
        `}` in place of one of = != =~ !~
        `in}` in place of a text in quotes
        a text without its closing quote
        an unknown escape in a text (write `\\` for a backslash, or put the text in backticks)
        `shard=\"a\"}` in place of `,` or `}`
        an invalid pattern `(`: unclosed group
        an invalid pattern `)(`: unopened group
        an invalid pattern `(a{1000}){1000}`: Compiled regex exceeds size limit of 1048576 bytes.
        `[5m]` in place of the end of the selector (functions, ranges and operators are not known: matching series are summed, and counters become rates)
        `(depth)` in place of the end of the selector (functions, ranges and operators are not known: matching series are summed, and counters become rates)
        no name of a metric
        a pattern in place of a metric's name
        two names of a metric
        an empty name of a metric
        all buckets of a histogram together (select its `_count` or `_sum`, or one bucket with `le`)"#]].assert_eq(&shown.join("\n"));
    assert!(MetricSelector::parse("http_seconds_bucket{le=\"0.5\"}").is_ok());
    assert!(MetricSelector::parse(&"a".repeat(501)).is_err());
}

#[test]
fn selector_is_its_text_in_a_record() {
    let selector = MetricSelector::parse("depth{queue=\"in\"}").unwrap();
    let json = serde_json::to_string(&selector).unwrap();
    assert_eq!(json, r#""depth{queue=\"in\"}""#);
    assert_eq!(
        serde_json::from_str::<MetricSelector>(&json).unwrap(),
        selector
    );
    assert!(serde_json::from_str::<MetricSelector>("\"sum(depth)\"").is_err());
}
