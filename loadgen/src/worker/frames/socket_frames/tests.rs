use std::{collections::BTreeMap, time::Duration};

use highwater_scenarios::{Plan, Segment};

use super::*;
use crate::{
    access::{ClientAccess, ClientOptions, Environment},
    keys::DeviceKey,
    worker::{
        frames::PoolProtocol,
        values::{DeviceValues, PoolValues},
    },
};

/// A plan with one pool, and its protocol.
struct Sample {
    plan: Plan,
    environment: Environment,
    values: PoolValues,
    protocol: PoolProtocol,
    recorder: Recorder,
}

impl Sample {
    fn new(frames: &str) -> Self {
        let text = format!(
            r#"
            name = "f"
            duration = "1h"
            [target]
            ws = "ws://h"
            [[devices]]
            name = "home"
            count = 9
            ramp = "1/s"
            {frames}
            "#
        );
        let plan = highwater_scenarios::parse("f.toml", &text, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        let look_up = |name: &str| (name == "TOKEN").then(|| "t0k".to_owned());
        let environment = Environment::resolve(&plan, &["TOKEN".to_owned()], look_up).unwrap();
        let options = ClientOptions::new(&ClientAccess {
            environment: environment.clone(),
            ..ClientAccess::default()
        });
        let options = options.expect("no certificates");
        let values = PoolValues::compile_all(&plan, Segment::whole(), Vec::new(), &options);
        let protocol = PoolProtocol::compile(&plan, &plan.devices[0], &environment);
        Self {
            values: values.expect("no placeholders").remove(0),
            environment,
            protocol: protocol.unwrap().expect("the pool declares frames"),
            plan,
            recorder: Recorder::default(),
        }
    }

    fn identity(&self) -> SocketIdentity<'_> {
        SocketIdentity {
            device: DeviceValues {
                pool: &self.plan.devices[0],
                device: DeviceKey { pool: 0, index: 7 },
                worker: 2,
                values: &self.values,
                environment: &self.environment,
            },
            protocol: &self.protocol,
        }
    }

    fn heartbeat(&self) -> DeviceHeartbeat {
        DeviceHeartbeat::new(Instant::now(), Duration::from_secs(20))
    }

    fn count(&self, name: &str) -> u64 {
        let counters = self.recorder.take_snapshot().counters;
        let found = counters.iter().find(|(counter, _)| counter == name);
        found.map_or(0, |(_, count)| *count)
    }
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(text).collect()
}

fn text(message: &Message) -> &str {
    match message {
        Message::Text(text) => text.as_str(),
        other => panic!("not a text: {other}"),
    }
}

fn send_of(protocol: &PoolProtocol) -> &CompiledFrame {
    match &protocol.frames.heartbeat {
        Some(CompiledHeartbeat::Send { send, .. }) => send,
        other => panic!("no frame is sent: {other:?}"),
    }
}

#[test]
fn heartbeat_is_acknowledged_by_the_answer_with_its_number() {
    let sample = Sample::new(
        r#"heartbeat = { every = "20s", send = '{"id":{ref},"of":"{device}/{n}/{worker}/${TOKEN}"}',
                         expect = { json = { id = "{ref}" } } }"#,
    );
    let (identity, mut heartbeat) = (sample.identity(), sample.heartbeat());
    let mut frames = SocketFrames::new(identity);
    for number in 1..3 {
        heartbeat.on_due(heartbeat.next_due(), 2, &sample.recorder);
        let message = frames.heartbeat_message(identity, send_of(&sample.protocol));
        let expected = format!(r#"{{"id":{number},"of":"home-7/7/2/t0k"}}"#);
        assert_eq!(texts(&[message]), [expected.as_str()]);
    }
    // The first counts as missed by now, and its answer acknowledges nothing.
    for (text, acknowledged, unmatched) in [
        (r#"{"id":1}"#, 0, 1),
        (r#"{"id":2}"#, 1, 0),
        (r#"{"id":2}"#, 0, 0),
    ] {
        let frame = Message::text(text);
        frames.on_frame(
            identity,
            &mut heartbeat,
            &frame,
            &sample.recorder,
            |_, _| false,
        );
        let counters: BTreeMap<_, _> = sample
            .recorder
            .take_snapshot()
            .counters
            .into_iter()
            .collect();
        let count = |name: &str| counters.get(name).copied().unwrap_or(0);
        assert_eq!(count("heartbeats.acknowledged"), acknowledged, "{text}");
        assert_eq!(count("frames.unmatched"), unmatched, "{text}");
    }
}

#[test]
fn frame_may_be_watched_counted_and_answered() {
    let sample = Sample::new(
        r#"separator = "|"
        answer = [{ to = { prefix = "2" }, send = "3" }, { to = { text = "2" }, send = "never" }]
        heartbeat = { every = "20s", watch = { text = "2" } }
        count_messages = { prefix = "2" }"#,
    );
    let (identity, mut heartbeat) = (sample.identity(), sample.heartbeat());
    let mut frames = SocketFrames::new(identity);
    let frame = Message::text("2|4||2b|");
    let answers = frames.on_frame(
        identity,
        &mut heartbeat,
        &frame,
        &sample.recorder,
        |_, _| false,
    );
    assert_eq!(texts(&answers), ["3", "3"]);
    let snapshot = sample.recorder.take_snapshot();
    let counters: BTreeMap<_, _> = snapshot.counters.into_iter().collect();
    assert_eq!(counters["heartbeats.acknowledged"], 1);
    assert_eq!(counters["messages.received"], 2);
    assert_eq!(counters["frames.answered"], 2);
    assert_eq!(counters["frames.unmatched"], 1);
    assert_eq!(snapshot.latencies.len(), 1, "one gap between two messages");
}

#[test]
fn answers_stop_at_the_limit_of_a_second() {
    let sample = Sample::new(r#"answer = [{ to = { text = "?" }, send = "!" }]"#);
    let (identity, mut heartbeat) = (sample.identity(), sample.heartbeat());
    let mut frames = SocketFrames::new(identity);
    let frame = Message::text("?");
    let answers = |frames: &mut SocketFrames, heartbeat: &mut DeviceHeartbeat| {
        frames
            .on_frame(identity, heartbeat, &frame, &sample.recorder, |_, _| false)
            .len()
    };
    let given: usize = (0..300).map(|_| answers(&mut frames, &mut heartbeat)).sum();
    // A slow machine may begin a second one.
    assert!((100..300).contains(&given), "{given}");
    assert_eq!(sample.count("frames.unanswered"), 300 - given as u64);
}

#[test]
fn frame_of_many_messages_is_looked_at_in_part() {
    let sample = Sample::new("separator = \",\"\ncount_messages = { text = \"m\" }");
    let (identity, mut heartbeat) = (sample.identity(), sample.heartbeat());
    let mut frames = SocketFrames::new(identity);
    let frame = Message::text("m,".repeat(5_000));
    frames.on_frame(
        identity,
        &mut heartbeat,
        &frame,
        &sample.recorder,
        |_, _| false,
    );
    assert_eq!(
        sample.count("messages.received"),
        MAX_MESSAGES_PER_FRAME as u64
    );
}

#[test]
fn taken_values_stand_in_later_frames() {
    let sample = Sample::new(
        r#"open = [{ expect = { prefix = "0" }, take = { sid = "json:sid", id = "json:/id" } }]
        close = ["bye {sid} {id}", { hex = "01 {sid}" }]"#,
    );
    let identity = sample.identity();
    let mut frames = SocketFrames::new(identity);
    let takes = &sample.protocol.frames.open[0].take;
    let lacks = ReceivedFrame::from_text(r#"0{"sid":"a"}"#);
    assert!(!frames.take_values(takes, &lacks));
    let has = ReceivedFrame::from_text(r#"0{"sid":"a","id":5}"#);
    assert!(frames.take_values(takes, &has));
    let messages = frames.close_messages(identity);
    assert_eq!(texts(&messages[..1]), ["bye a 5"]);
    assert_eq!(messages[1], Message::binary(b"\x01a".to_vec()));
}

#[test]
fn binary_frames_are_matched_whole() {
    let sample = Sample::new("separator = \"|\"\ncount_messages = { hex = \"7c 7c\" }");
    let (identity, mut heartbeat) = (sample.identity(), sample.heartbeat());
    let mut frames = SocketFrames::new(identity);
    for (frame, received) in [
        (Message::binary(b"||".to_vec()), 1),
        (Message::text("||"), 0),
        (Message::Ping(b"||".to_vec().into()), 0),
    ] {
        frames.on_frame(
            identity,
            &mut heartbeat,
            &frame,
            &sample.recorder,
            |_, _| false,
        );
        assert_eq!(sample.count("messages.received"), received, "{frame}");
    }
}

#[test]
fn variable_without_a_value_is_an_error() {
    let sample = Sample::new("close = [\"${TOKEN}\"]");
    let pool = &sample.plan.devices[0];
    let error = PoolProtocol::compile(&sample.plan, pool, &Environment::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot fill in the frames of the pool home: no value of the variable TOKEN"
    );
}

/// A worker holds one such state for each socket of a pool that declares frames.
#[test]
fn state_of_a_socket_fits_its_bytes() {
    let size = size_of::<SocketFrames>();
    assert!(size <= 112, "{size} bytes");
}

/// MQTT 3.1.1, section 6: packets and frames need not end together.
#[test]
fn packets_of_mqtt_are_found_however_the_frames_cut_them() {
    let sample = Sample::new(
        "open = [{ send = { mqtt = \"connect\", client = \"{device}\" } }]\n\
         count_messages = { mqtt = \"publish\" }",
    );
    let stream = b"\x30\x05\x00\x01ahi\xd0\x00\x30\x05\x00\x01ayo";
    for length in 1..=stream.len() {
        let mut frames = SocketFrames::new(sample.identity());
        let mut heartbeat = sample.heartbeat();
        for part in stream.chunks(length) {
            let frame = Message::binary(part.to_vec());
            frames.on_frame(
                sample.identity(),
                &mut heartbeat,
                &frame,
                &sample.recorder,
                |_, _| false,
            );
        }
        assert!(frames.partial_packet.is_empty(), "{length}");
        let counters = sample.recorder.take_snapshot().counters;
        let count = |name: &str| {
            counters
                .iter()
                .find(|(known, _)| known == name)
                .map(|c| c.1)
        };
        assert_eq!(count("messages.received"), Some(2), "{length}");
        // The answer to a heartbeat that the pool does not declare.
        assert_eq!(count("frames.unmatched"), Some(1), "{length}");
    }
}

#[test]
fn packet_without_an_end_is_dropped_at_the_limit() {
    let sample = Sample::new("count_messages = { mqtt = \"publish\" }");
    let mut frames = SocketFrames::new(sample.identity());
    let mut heartbeat = sample.heartbeat();
    // A packet that announces 268,435,455 bytes.
    let mut start = vec![0x30, 0xff, 0xff, 0xff, 0x7f];
    start.resize(MAX_PARTIAL_PACKET, 0);
    for (bytes, kept) in [(start, MAX_PARTIAL_PACKET), (vec![0], 0)] {
        let frame = Message::binary(bytes);
        frames.on_frame(
            sample.identity(),
            &mut heartbeat,
            &frame,
            &sample.recorder,
            |_, _| false,
        );
        assert_eq!(frames.partial_packet.len(), kept);
    }
}
