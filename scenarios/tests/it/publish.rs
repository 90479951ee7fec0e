//! Messages to topics: loads that are rejected, defaults, publishers and subscribers.

use std::time::Duration;

use expect_test::{Expect, expect};
use highwater_scenarios::{
    HostResources, Plan, Segment, describe,
    plan::{PublishFrom, PublishLoad},
};
use highwater_types::Rate;
use proptest::prelude::*;

use crate::{diagnostics_with, plan_of};

fn load(more: &str) -> PublishLoad {
    plan_of(&format!("[[publish]]\nname = \"news\"\n{more}"))
        .publish
        .remove(0)
}

#[test]
fn defaults_follow_from_the_pool_and_the_steady_phase() {
    let news = load("rate = \"5/s\"");
    assert_eq!((news.topic.as_str(), news.topics), ("news", 1));
    assert_eq!((news.pool.as_str(), news.subscribers), ("home", 100));
    assert_eq!((news.from, news.publishers), (PublishFrom::Rest, 1));
    assert_eq!(
        (news.start, news.duration),
        (Duration::ZERO, Duration::from_secs(60))
    );
    // 5/s for 60 s, each to 100 devices.
    assert_eq!((news.messages(), news.deliveries_per_s()), (300, 500.0));

    let chats = load("rate = \"5/s\"\ntopics = 4\nstart = \"10s\"\nfrom = \"device\"");
    assert_eq!((chats.topic.as_str(), chats.publishers), ("news-{n}", 4));
    assert_eq!(chats.topic_of(6), "news-2");
    assert_eq!(chats.duration, Duration::from_secs(50));
    // 25 devices to a topic, and the sender receives none of its own messages.
    assert_eq!(chats.deliveries_per_s(), 5.0 * 24.0);
}

#[test]
fn set_argument_addresses_a_load_by_its_name() {
    let text = format!(
        "{}[[publish]]\nname = \"news\"\nrate = \"5/s\"",
        crate::BASE
    );
    let sets = [
        "publish.news.rate=7/s".to_owned(),
        "publish.news.size=1KiB".to_owned(),
    ];
    let plan = highwater_scenarios::parse("set.toml", &text, &sets).unwrap();
    let news = &plan.publish[0];
    assert_eq!((news.rate.as_per_second(), news.size), (7.0, 1024));
}

fn check(more: &str, expected: Expect) {
    expected.assert_eq(&diagnostics_with(more));
}

#[test]
fn impossible_loads_are_rejected() {
    check(
        "[[publish]]\nrate = \"5/s\"\npool = \"hoem\"\nsize = 128\ntopic = \"a b\"\n",
        expect![[r#"
            broken.toml:11:8: publish.publish-1.pool: no pool of devices has this name
               |
            11 | pool = "hoem"
               |        ^^^^^^
               = found: "hoem"
               = expected: `home`
               = hint: did you mean `home`?

            broken.toml:12:8: publish.publish-1.size: a number without its unit
               |
            12 | size = 128
               |        ^^^
               = found: 128
               = expected: a size with its unit (B, kB, KiB), from "96B" to "49152B"
               = hint: did you mean "128B"?

            broken.toml:13:9: publish.publish-1.topic: a topic with ` ` in it
               |
            13 | topic = "a b"
               |         ^^^^^
               = found: "a b"
               = expected: a topic of 1 to 120 letters, digits, `.`, `_`, `:`, `-` and, in the stomp dialect, `/`, with `{n}` at most once for its number

            3 problems in broken.toml"#]],
    );
    check(
        "[[publish]]\nrate = \"5/s\"\nsubscribers = 101\npublishers = 3\ntopics = 4\ntopic = \"chat\"\nstart = \"50s\"\nduration = \"11s\"\n",
        expect![[r#"
            broken.toml:11:15: publish.publish-1.subscribers: more subscribers than devices
               |
            11 | subscribers = 101
               |               ^^^
               = found: 101
               = expected: at most 100, the devices of home

            broken.toml:12:14: publish.publish-1.publishers: fewer publishers than topics
               |
            12 | publishers = 3
               |              ^
               = found: 3
               = expected: at least 4, one for each topic

            broken.toml:14:9: publish.publish-1.topic: one name for several topics
               |
            14 | topic = "chat"
               |         ^^^^^^
               = found: "chat"
               = expected: a topic with `{n}` in it, such as "chat-{n}"

            broken.toml:16:12: publish.publish-1.duration: messages would be due after the steady phase
               |
            16 | duration = "11s"
               |            ^^^^^
               = found: "11s"
               = expected: at most "10s" from this start

            4 problems in broken.toml"#]],
    );
    check(
        "[[devices]]\nname = \"other\"\ncount = 1\nramp = \"1/s\"\n[[publish]]\nrate = \"5/s\"\nsize = \"12B\"\n[[publish]]\npool = \"other\"\nrate = \"5/s\"\nfrom = \"device\"\npublishers = 2\n",
        expect![[r#"
            broken.toml:13:1: publish.publish-1.name: several pools of devices, and no `pool` says which one subscribes
               |
            13 | [[publish]]
               | ^^^^^^^^^^^
               = expected: `pool`, one of `home`, `other`

            broken.toml:15:8: publish.publish-1.size: out of range
               |
            15 | size = "12B"
               |        ^^^^^
               = found: "12B"
               = expected: a size with its unit (B, kB, KiB), from "96B" to "49152B"

            broken.toml:20:14: publish.publish-2.publishers: more publishers than devices
               |
            20 | publishers = 2
               |              ^
               = found: 2
               = expected: at most 1, the devices of other

            3 problems in broken.toml"#]],
    );
    check(
        "[[gates]]\ncheck = \"messages.lost == 0\"\n",
        expect![[r#"
            broken.toml:10:9: gates[0].check: messages.lost cannot be measured here: the scenario publishes no messages
               |
            10 | check = "messages.lost == 0"
               |         ^^^^^^^^^^^^^^^^^^^^
               = found: "messages.lost == 0"
               = expected: a scenario with `[[publish]]`

            1 problem in broken.toml"#]],
    );
}

#[test]
fn description_names_rates_and_receivers() {
    let plan = plan_of(
        "[[publish]]\nname = \"news\"\nrate = \"5/s\"\nstart = \"20s\"\n[[publish]]\nname = \"chats\"\nrate = \"8/s\"\ntopics = 10\nfrom = \"device\"\nduration = \"30s\"\n",
    );
    let host = HostResources {
        files_per_process: 20_000,
        memory: None,
    };
    expect![[r#"
        base
          Seed 1.

                  ramp  steady                                                     drain
          home    ▁▂▄▅▆████████████████████████████████████████████████████████████▆▅▄▂▁
          news                             ────────────────────────────────────────
          chats         ──────────────────────────────
                  ├─────┼──────────────────────────────────────────────────────────┼───┤
                  -2s   0s                                                         1m

        System
          A cluster of 2 nodes (n1, n2) on this machine, started for the run: backplane
          local, balancer none, policy round-robin, commands routed by directory.

        Timeline (times from the start of the steady phase)
              ramp  home opens 100 sockets at 50/s, the last after 2s; a heartbeat every
                    20s
                0s  steady phase of 1m begins
                0s  chats: 8/s of 128 B each to 10 topics, chats-{n} for 30s, by 10
                    devices of home; received by 100 devices of home, 72/s delivered
               20s  news: 5/s of 128 B each to topic news for 40s, by 1 HTTP caller;
                    received by 100 devices of home, 500/s delivered
                1m  drain: 100 sockets closed in order
          About 1m 2s in all, or longer if the ramp falls behind.

        At the peak
             sockets  100
          heartbeats  5/s
            commands  none
            messages  13/s published, 572/s delivered

        Workers
          1 worker with 100 sockets, 1 HTTP connection and 512 in reserve: 613 of 20,000
          open files.

        Nodes
          Spread evenly over 2 nodes, each holds 50 sockets and as many open files; it
          may open 20,000.

        Gates
          None: the run only measures.
    "#]]
    .assert_eq(&describe(&plan, &host));
}

fn any_load() -> impl Strategy<Value = PublishLoad> {
    (
        1u64..200,
        1u64..20,
        0u64..300,
        0.1f64..200.0,
        0u64..5_000,
        1u64..20_000,
        any::<bool>(),
    )
        .prop_map(|(subscribers, topics, more, rate, start, length, device)| {
            let mut load = load("rate = \"1/s\"");
            load.topics = topics;
            load.publishers = topics + more;
            load.subscribers = subscribers;
            load.rate = Rate::per_second(rate).expect("above zero");
            load.start = Duration::from_millis(start);
            load.duration = Duration::from_millis(length);
            load.from = if device {
                PublishFrom::Device
            } else {
                PublishFrom::Rest
            };
            load
        })
}

proptest! {
    /// The messages due are the same for any number of workers.
    #[test]
    fn due_times_of_all_workers_follow_the_rate(load in any_load(), of in 1u32..10) {
        let end = load.start + load.duration;
        let mut due = Vec::new();
        for index in 0..of {
            for publisher in Segment::new(index, of).unwrap().indices(load.publishers) {
                due.extend((0..load.messages_of(publisher)).map(|index| load.due(publisher, index)));
            }
        }
        due.sort();
        let whole: Vec<Duration> = (0..)
            .map(|k| load.start + load.rate.due(k))
            .take_while(|due| *due < end)
            .collect();
        prop_assert_eq!(load.messages(), whole.len() as u64);
        prop_assert_eq!(due, whole);
    }

    #[test]
    fn sequence_count_is_that_of_every_pair_in_a_topic(load in any_load()) {
        let of = |number: u64| number % load.topics;
        let followed = |subscriber| {
            let publishers = (0..load.publishers).filter(|publisher| of(*publisher) == of(subscriber));
            publishers.count() as u64
        };
        let all = (0..load.subscribers).map(followed).sum::<u64>();
        prop_assert_eq!(load.sequence_count(), all);
    }

    #[test]
    fn first_due_is_the_first_message_from_an_instant(load in any_load(), at in 0u64..30_000) {
        let at = Duration::from_millis(at);
        for publisher in 0..load.publishers.min(5) {
            let first = load.first_due(publisher, at);
            prop_assert!(load.due(publisher, first) >= at);
            prop_assert!(first == 0 || load.due(publisher, first - 1) < at);
        }
    }

    /// The receivers of publishers and the publishers of receivers are one relation.
    #[test]
    fn receivers_of_a_publisher_match_publishers_of_a_subscriber(load in any_load()) {
        let mut receivers = vec![0; load.publishers as usize];
        for subscriber in 0..load.subscribers {
            for publisher in load.publishers_for(subscriber) {
                prop_assert_eq!(load.topic_of(publisher), load.topic_of(subscriber));
                receivers[publisher as usize] += 1;
            }
        }
        let planned: Vec<u64> = (0..load.publishers).map(|p| load.receiver_count(p)).collect();
        prop_assert_eq!(receivers, planned);
    }
}

#[test]
fn http_publishers_take_connections() {
    let plan: Plan = plan_of(
        "[[publish]]\nrate = \"5/s\"\npublishers = 7\n[[publish]]\nname = \"d\"\nrate = \"5/s\"\nfrom = \"device\"\n",
    );
    // Devices publish on their own sockets, so only the seven callers add connections.
    assert_eq!(plan.open_files(Segment::whole()), 100 + 7);
}
