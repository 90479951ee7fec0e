//! The dialect `stomp`.

use expect_test::{Expect, expect};
use highwater_scenarios::{
    Plan, parse,
    plan::{Dialect, StompAck, SystemSpec, TargetSpec},
    secrets::mask_secrets,
};

/// A target with one pool; tests append further text.
const TARGET: &str = r#"name = "broker"
duration = "60s"
[target]
ws = "ws://host/ws"
dialect = "stomp"
stomp = { login = "{device}", passcode = "${PASS}", ack = "client" }
[[devices]]
name = "phone"
count = 10
ramp = "5/s"
"#;

fn plan(text: &str) -> Plan {
    parse("broker.toml", text, &[]).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn target(plan: &Plan) -> &TargetSpec {
    let SystemSpec::Target(target) = &plan.system else {
        panic!("a target");
    };
    target
}

fn check(text: &str, expected: &Expect) {
    expected.assert_eq(&crate::diagnostics_of(text));
}

#[test]
fn session_has_its_texts_and_offers_every_version() {
    let plan = plan(&format!(
        "{TARGET}subscribe = [{{ destination = \"/topic/room-{{n}}\" }}]"
    ));
    let target = target(&plan);
    assert_eq!(target.dialect, Dialect::Stomp);
    assert_eq!(
        target.subprotocol,
        ["v12.stomp", "v11.stomp", "v10.stomp"].map(str::to_owned)
    );
    let stomp = target.stomp.as_ref().expect("the keys of the session");
    assert_eq!((stomp.host.as_str(), stomp.ack), ("/", StompAck::Client));
    let [subscription] = plan.devices[0].subscribe.as_slice() else {
        panic!("one subscription");
    };
    assert_eq!(subscription.destination, "/topic/room-{n}");
    assert_eq!(subscription.ack, StompAck::Auto);
}

#[test]
fn topic_is_a_destination_and_a_subscriber_gets_its_own_messages() {
    let plan = plan(&format!(
        "{TARGET}[[publish]]\nfrom = \"device\"\nname = \"chat\"\ntopics = 2\nrate = \"10/s\"\n\
         publishers = 4\nsubscribers = 6"
    ));
    let load = &plan.publish[0];
    assert_eq!(load.topic_of(3), "/topic/chat-1");
    // Devices 0, 2 and 4 subscribe to the topic of publisher 0, which is one of them.
    assert_eq!(load.receiver_count(0), 3);
    assert_eq!(load.publishers_for(0).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn keys_of_the_dialect_need_it() {
    let text = TARGET.replace("dialect = \"stomp\"\n", "dialect = \"plain\"\n")
        + "subscribe = [{ destination = \"/topic/a\" }]";
    check(
        &text,
        &expect![[r#"
        broken.toml:6:9: target.stomp: `stomp` without the stomp dialect
          |
        6 | stomp = { login = "{device}", passcode = "${PASS}", ack = "client" }
          |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = expected: `dialect = "stomp"` in `[target]`

        broken.toml:11:13: devices.phone.subscribe: `subscribe` without the stomp dialect
           |
        11 | subscribe = [{ destination = "/topic/a" }]
           |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = expected: `dialect = "stomp"` in `[target]`

        2 problems in broken.toml"#]],
    );
}

#[test]
fn other_frames_and_callers_over_http_are_refused() {
    let text = format!(
        "{TARGET}open = [{{ send = \"hello\" }}]\nsubscribe = [{{ destination = \"/topic/{{room}}\" }}]\n\
         [[publish]]\nname = \"chat\"\nrate = \"1/s\"\n"
    )
    .replace("ws = \"ws://host/ws\"", "ws = \"ws://host/ws\"\nhttp = \"http://host\"");
    check(
        &text,
        &expect![[r#"
        broken.toml:12:8: devices.phone.open: frames in the stomp dialect
           |
        12 | open = [{ send = "hello" }]
           |        ^^^^^^^^^^^^^^^^^^^^
           = expected: `subscribe`, `heartbeat = "10s"` and the keys of `[target.stomp]`
           = hint: frames of a scenario's own need `dialect = "plain"`

        broken.toml:13:30: devices.phone.subscribe[0].destination: an unknown placeholder `{room}`
           |
        13 | subscribe = [{ destination = "/topic/{room}" }]
           |                              ^^^^^^^^^^^^^^^
           = found: "/topic/{room}"
           = expected: `device`, `n`, `ref`, `nonce`, `now_ms`, `worker`
           = hint: the text itself is written `{{room}`

        broken.toml:14:1: publish.chat.from: publishers over HTTP in the stomp dialect
           |
        14 | [[publish]]
           | ^^^^^^^^^^^
           = expected: `from = "device"`
           = hint: STOMP publishes with the frame SEND, over a device's own socket

        3 problems in broken.toml"#]],
    );
}

#[test]
fn destination_is_a_topic_of_stomp_only() {
    let text = TARGET
        .replace("dialect = \"stomp\"\n", "")
        .replace(
            "stomp = { login = \"{device}\", passcode = \"${PASS}\", ack = \"client\" }\n",
            "",
        )
        .replace("ws://host/ws", "ws://host/ws?device={device}")
        + "[[publish]]\nfrom = \"device\"\nname = \"chat\"\ntopic = \"/topic/a\"\nrate = \"1/s\"\n";
    check(
        &text,
        &expect![[r#"
        broken.toml:12:9: publish.chat.topic: a topic with `/` in it
           |
        12 | topic = "/topic/a"
           |         ^^^^^^^^^^
           = found: "/topic/a"
           = expected: `/` with `dialect = "stomp"` only

        1 problem in broken.toml"#]],
    );
}

#[test]
fn password_stays_out_of_records() {
    let written = TARGET.replace("${PASS}", "s3cr3t");
    let plan = plan(&written);
    assert_eq!(plan.literal_secrets(), ["`passcode` of the target"]);
    let shown = plan.without_secrets();
    let stomp = target(&shown).stomp.clone().expect("the keys");
    assert_eq!(stomp.passcode.as_deref(), Some("***"));
    assert!(!mask_secrets(&written).contains("s3cr3t"));
    // Anybody knows the password of RabbitMQ's own user.
    let public = TARGET.replace("${PASS}", "guest");
    assert!(self::plan(&public).literal_secrets().is_empty());
    assert!(mask_secrets(&public).contains("guest"));
    assert!(self::plan(TARGET).literal_secrets().is_empty());
}
