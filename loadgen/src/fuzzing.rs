//! The functions that fuzz targets call: one per parser of bytes from elsewhere.
//!
//! Each takes any bytes and panics when the parser breaks a promise. They are not part of
//! the library's interface.

use std::{
    fmt::Debug,
    io::{self, Cursor, Read, Write},
};

use highwater_scenarios::{plan, selector::MetricSelector};
use highwater_types::BrokerKind;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::{
    Message, WebSocket,
    protocol::{Role, WebSocketConfig},
};

use crate::{
    broker, bus,
    control::{FromWorker, ToWorker},
    sampling::{Gauges, MetricsEndpoint, known_metrics},
    testbed::balancer,
    worker::{
        commands::reply::sse::EventStream,
        devices::{
            compression::{inflater::FrameInflater, negotiation::DeflateParams},
            upgrade::{ExpectedUpgrade, UpgradeAccepted, UpgradeAnswer, parse_upgrade_response},
        },
        dialect::{Dialect, Incoming, for_plan, highwater::Highwater, plain::Plain},
        messages::{
            sequence::{Sequence, SequenceResult},
            stamp::Stamp,
        },
        node_name::parse_node_name,
    },
};

/// The key of RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Checks that every message of the control link and the bus that is parsed is the same after
/// it is written and parsed again.
pub fn control_link(bytes: &[u8]) {
    check_round_trip::<FromWorker>(bytes);
    check_round_trip::<ToWorker>(bytes);
    check_round_trip::<bus::Control>(bytes);
    check_round_trip::<bus::Envelope>(bytes);
    check_round_trip::<bus::RunDocument>(bytes);
    check_round_trip::<bus::SegmentClaim>(bytes);
    check_round_trip::<bus::WorkerStatus>(bytes);
    // Bytes that inflate to more than a message may hold are refused.
    let _ = bus::codec::decode::<bus::Envelope>("message of a worker", bytes);
}

/// Checks that an accepted head of an upgrade response lies within the bytes and ends with
/// an empty line, and that no beginning of it is accepted.
pub fn handshake_response(bytes: &[u8]) {
    let expected = ExpectedUpgrade {
        key: KEY,
        node_header: Highwater.node_header(),
        subprotocols: &[],
        compression: plan::Compression::PermessageDeflate,
    };
    let parse = |bytes| parse_upgrade_response(bytes, &expected);
    let head_len = match parse(bytes) {
        Ok(Some(UpgradeAnswer::Accepted(UpgradeAccepted { head_len, node, .. }))) => {
            assert!(node.is_none_or(|node| parse_node_name(node.as_bytes()).is_some()));
            head_len
        }
        Ok(Some(UpgradeAnswer::Rejected(rejected))) => rejected.head_len,
        Ok(None) | Err(_) => return,
    };
    assert!(head_len <= bytes.len());
    assert!(bytes[..head_len].ends_with(b"\n"));
    // TCP delivers a head in pieces, and frames may follow it in the last piece.
    for shorter in 0..head_len {
        assert!(!matches!(parse(&bytes[..shorter]), Ok(Some(_))));
    }
}

/// Checks that the frames of a server that compresses hold the same messages however they are
/// cut, and that a step never gives more than its bound.
pub fn compressed_frames(bytes: &[u8]) {
    let Some((first, frames)) = bytes.split_first() else {
        return;
    };
    let has_context_takeover = first & 1 == 1;
    // Each byte may inflate to a thousand.
    let frames = &frames[..frames.len().min(1 << 14)];
    let whole = inflated_messages(frames, frames.len().max(1), has_context_takeover);
    for step in [1, 7] {
        let cut = inflated_messages(frames, step, has_context_takeover);
        assert_eq!(whole, cut, "in steps of {step}");
    }
}

/// Returns the messages of frames that come in pieces of `step` bytes, up to the first error.
fn inflated_messages(frames: &[u8], step: usize, has_context_takeover: bool) -> Vec<Message> {
    /// Most bytes that one step gives beside its input: a piece and the headers around it.
    const MOST_ADDED: usize = 2_048 + 16;
    const MAX_MESSAGE: usize = 1 << 16;
    let mut inflater = FrameInflater::new(DeflateParams {
        has_context_takeover,
    });
    let mut plain = Vec::new();
    'frames: for mut input in frames.chunks(step) {
        while !input.is_empty() || !inflater.needs_input() {
            let before = plain.len();
            let Ok(taken) = inflater.advance(input, &mut plain) else {
                break 'frames;
            };
            assert!(plain.len() - before <= taken + MOST_ADDED);
            input = &input[taken..];
        }
    }
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let mut socket =
        WebSocket::from_raw_socket(ReadOnly(Cursor::new(plain)), Role::Client, Some(config));
    std::iter::from_fn(|| socket.read().ok()).collect()
}

/// Bytes of a server, which takes everything that is sent to it.
struct ReadOnly(Cursor<Vec<u8>>);

impl Read for ReadOnly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for ReadOnly {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Checks that a stream gives the same events however it is cut, and that no event or
/// body makes the decoder panic.
pub fn event_stream(bytes: &[u8]) {
    let whole = EventStream::default().feed(bytes);
    // Single bytes, and steps that cut events at changing places.
    for step in [1, 7] {
        let mut stream = EventStream::default();
        let cut: Vec<_> = bytes
            .chunks(step)
            .flat_map(|part| stream.feed(part))
            .collect();
        assert_eq!(whole, cut, "in steps of {step}");
    }
    // The results are ignored: only a panic is a fault here.
    for event in &whole {
        let _ = Highwater.decode_event(&event.name, &event.data, "");
    }
    let _ = Highwater.decode_reply(bytes, "");
}

/// Checks that every dialect decodes any text, that a device replies with JSON, and that the
/// plain dialect ignores all text.
pub fn node_frames(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let frame = Message::text(text);
    for dialect in plan::Dialect::ALL {
        for_plan(*dialect).decode(&frame);
    }
    if let Incoming::Command { reply } = Highwater.decode(&frame) {
        let reply = reply.to_text().expect("a reply is text");
        // The reply quotes parts of the frame unparsed, which may break its form.
        assert!(serde_json::from_str::<&RawValue>(reply).is_ok(), "{reply}");
    }
    assert_eq!(Plain.decode(&frame), Incoming::Ignored);
}

/// Checks that a stamp is found again in the body that it writes, and that numbers in any
/// order are late at most as often as they were missing.
pub fn message_payloads(bytes: &[u8]) {
    if let Some(stamp) = Stamp::find(&String::from_utf8_lossy(bytes)) {
        assert_eq!(Stamp::find(&stamp.body(64)), Some(stamp));
    }
    let (numbers, _) = bytes.as_chunks();
    let mut sequence = Sequence::expecting(1 << 32);
    let (mut missing, mut late) = (0_u64, 0_u64);
    for number in numbers {
        match sequence.record(u64::from_le_bytes(*number)) {
            // Numbers span all of `u64`, so a few jumps would overflow a plain sum.
            SequenceResult::New { missing: more } => missing = missing.saturating_add(more),
            SequenceResult::Late => late += 1,
            SequenceResult::Duplicate => {}
        }
    }
    assert!(late <= missing);
}

/// Checks that the gauges in a node's text are finite.
pub fn prometheus_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for (sockets_metric, selector) in [(None, "{\"a\"}"), (Some("sessions"), "b{c!=\"d\"}")] {
        let selector = MetricSelector::parse(selector).expect("a valid selector");
        let endpoint = MetricsEndpoint {
            sockets_metric: sockets_metric.map(str::to_owned),
            metrics: vec![plan::OwnMetric {
                name: "own".to_owned(),
                selector,
            }],
            ..MetricsEndpoint::default()
        };
        check_finite(Some(known_metrics::gauges(&text, &endpoint).gauges));
    }
}

/// Checks that the gauges in the text of each kind of broker are finite.
pub fn broker_metrics(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for kind in BrokerKind::ALL {
        check_finite(broker::driver(kind).parse_gauges(&text));
    }
}

/// Checks that the gauges in the text of each kind of balancer are finite.
pub fn balancer_metrics(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for driver in &balancer::DRIVERS {
        check_finite((driver.parse_gauges)(&text));
    }
}

fn check_round_trip<M: Serialize + DeserializeOwned + Debug>(bytes: &[u8]) {
    let Ok(message) = serde_json::from_slice::<M>(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&message).expect("a parsed message is written");
    let again: M = serde_json::from_slice(&written).expect("a written message is parsed");
    assert_eq!(format!("{message:?}"), format!("{again:?}"));
}

fn check_finite(gauges: Option<Gauges>) {
    let gauges = gauges.unwrap_or_default();
    // JSON has no infinity: such a value would make a line of the record unreadable.
    assert!(gauges.values().all(|value| value.is_finite()), "{gauges:?}");
}
