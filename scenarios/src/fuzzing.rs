//! Entry points for the fuzz target and for tests that make scenarios up. They are not part
//! of the library's interface.

use crate::{
    DataTable, HostResources, Segment,
    data::{DataFormat, MAX_COLUMNS},
    describe_matrix,
    frames::{
        CompiledFrame, JsonPath, Matcher, ReceivedFrame, Take, Template, ValueNames, ValueRef,
        Values,
        mqtt::{MqttTest, next_packet},
    },
    parse_matrix,
    plan::{FrameSpec, JsonExpectation, MatchSpec, MqttMatch, TakeSource, TakeSpec},
    selector::MetricSelector,
};

/// Longest text of a number in JSON, in bytes.
const LONGEST_NUMBER: usize = 32;

/// Reads any bytes as a scenario file.
pub fn scenario(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = describe_or_reject(text, &[]);
    }
}

/// Checks that a selector that is read is the same after it is written and read again, and
/// that it judges any value of a label.
///
/// # Panics
///
/// Panics if a selector changes, or is invalid without a description.
pub fn metric_selector(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match MetricSelector::parse(&text) {
        Ok(selector) => {
            let again = MetricSelector::parse(selector.as_str()).expect("a selector is read again");
            assert_eq!(selector, again);
            assert!(!selector.metric().is_empty());
            // Only a panic is a fault here.
            let _ = selector.accepts(|_| Some(&text));
        }
        Err(problem) => assert!(problem.expected.is_some(), "{problem}"),
    }
}

/// Reads any bytes as packets of MQTT, and looks at each with every kind of test.
///
/// # Panics
///
/// Panics if a packet takes no bytes, or a captured text is not a part of its packet.
pub fn mqtt_packets(bytes: &[u8]) {
    let tests = [
        MqttMatch::Connack,
        MqttMatch::Suback,
        MqttMatch::Pingresp,
        MqttMatch::Publish {
            topic: None,
            payload: Some("{ref}".to_owned()),
        },
    ]
    .map(|spec| MqttTest::compile(&spec, &mut ValueNames::default()));
    let mut rest = bytes;
    while let Some((_, after)) = next_packet(rest) {
        let packet = &rest[..rest.len() - after.len()];
        assert!(!packet.is_empty(), "a packet of no bytes");
        for test in tests.iter().flatten() {
            let _ = test.passes(packet, &NoValues);
            if let Some(captured) = test.capture(packet, ValueRef::Ref, &NoValues) {
                let mut parts = packet.windows(captured.len());
                assert!(parts.any(|part| part == captured.as_bytes()));
            }
        }
        rest = after;
    }
}

/// The values of a socket that has none.
struct NoValues;

impl Values for NoValues {
    fn append(&self, _value: ValueRef, _out: &mut String) {}
}

/// Reads any bytes as a data file of each format.
///
/// # Panics
///
/// Panics if a table has no columns or too many, or if the shares of three workers are not
/// the whole table.
pub fn data_files(bytes: &[u8]) {
    for format in [DataFormat::Csv, DataFormat::JsonLines] {
        let Ok(content) = format.parse(bytes) else {
            continue;
        };
        let (columns, table) = (content.columns.len(), content.table);
        assert!((1..=MAX_COLUMNS).contains(&columns));
        for segment in (0..3).filter_map(|index| Segment::new(index, 3).ok()) {
            let mut share = DataTable::new(columns);
            for chunk in table.chunks_of(segment.indices(table.rows())) {
                assert!(share.append(&chunk));
            }
            assert_eq!(share.rows(), segment.share_of(table.rows()));
            for (own, row) in segment.indices(table.rows()).enumerate() {
                for column in 0..columns {
                    let value = table.value(row, column);
                    assert!(value.is_some() && value == share.value(own as u64, column));
                }
            }
        }
    }
}

/// Reads a text and describes it. Returns the description of a valid scenario, and `None` for
/// an invalid one.
///
/// # Panics
///
/// Panics if the description is empty, or the scenario is invalid without a problem.
pub fn describe_or_reject(text: &str, sets: &[String]) -> Option<String> {
    match parse_matrix("fuzz.toml", text, sets) {
        Ok(matrix) => {
            let host = HostResources {
                files_per_process: 1_024,
                memory: None,
            };
            let page = describe_matrix(&matrix, &host);
            assert!(!page.is_empty());
            Some(page)
        }
        Err(diagnostics) => {
            assert!(diagnostics.count() > 0, "invalid without a problem: {text}");
            assert!(diagnostics.to_string().contains("in fuzz.toml"));
            None
        }
    }
}

/// Reads any bytes as a template or matcher, a place in JSON, and a frame, with line feeds
/// between them.
///
/// # Panics
///
/// Panics if a template does not equal its own text, or a captured value is longer than the
/// frame.
pub fn frames(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let (pattern, path, frame) = (next(), next(), next());
    let (Ok(pattern), Ok(path)) = (std::str::from_utf8(pattern), std::str::from_utf8(path)) else {
        return;
    };
    check_templates(pattern);
    let received = ReceivedFrame::from_bytes(frame);
    let json = || vec![(path.to_owned(), JsonExpectation::Text(pattern.to_owned()))];
    for spec in [
        MatchSpec::Text(pattern.to_owned()),
        MatchSpec::Prefix(pattern.to_owned()),
        MatchSpec::Hex(pattern.to_owned()),
        MatchSpec::Regex(pattern.to_owned()),
        MatchSpec::Json(json()),
    ] {
        if let Ok(matcher) = Matcher::compile(&spec, &mut ValueNames::default()) {
            matcher.matches(&received, &FuzzValues);
            let captured = matcher.capture(&received, ValueRef::Ref, &FuzzValues);
            // A number in JSON may be longer than it was written: `1e15`.
            let longest = frame.len().max(LONGEST_NUMBER);
            assert!(captured.is_none_or(|captured| captured.len() <= longest));
        }
    }
    check_takes(pattern, path, &received);
}

/// Checks that what a template renders equals the template.
fn check_templates(pattern: &str) {
    let mut names = ValueNames::default();
    if let Ok(template) = Template::parse(pattern, &mut names) {
        let mut text = String::new();
        template.render(&FuzzValues, &mut text);
        assert!(template.equals(&text, &FuzzValues), "{pattern}: {text}");
    }
    if let Ok(frame) = CompiledFrame::compile(&FrameSpec::Hex(pattern.to_owned()), &mut names) {
        let spec = MatchSpec::Hex(pattern.to_owned());
        let matcher = Matcher::compile(&spec, &mut names);
        let bytes = frame.bytes(&FuzzValues);
        let received = ReceivedFrame::from_bytes(&bytes);
        let equals = matcher.is_ok_and(|matcher| matcher.matches(&received, &FuzzValues));
        assert!(equals, "{pattern}: {bytes:?}");
    }
}

fn check_takes(pattern: &str, path: &str, received: &ReceivedFrame<'_>) {
    for from in [
        TakeSource::Json(path.to_owned()),
        TakeSource::Regex(pattern.to_owned()),
    ] {
        let name = "value".to_owned();
        if let Ok(take) = Take::compile(&TakeSpec { name, from }, 0) {
            take.from_frame(received);
        }
    }
    let found = JsonPath::parse(path).ok();
    let value = received.json().zip(found.as_ref());
    let value = value.and_then(|(json, path)| path.find(json));
    assert!(value.is_none() || received.text().is_some());
}

/// Values that need escapes in JSON.
struct FuzzValues;

impl Values for FuzzValues {
    fn append(&self, value: ValueRef, out: &mut String) {
        out.push_str(match value {
            ValueRef::Ref => "7",
            ValueRef::Device => "home-1",
            _ => "a\"\n\u{e9}",
        });
    }
}
