//! The effects of events.

use highwater_reports::record::{
    RecordEvent, SourceRole, TimedEvent,
    names::{counter, gauge},
};

use crate::run::{TestRun, action};

#[test]
fn sockets_of_a_killed_node_are_counted_at_the_other() {
    let mut run = TestRun::clean();
    run.add_event(10.0, action("kill-node", "n2"));
    for second in 10..25 {
        let line = run.line(SourceRole::Node, "n2", second);
        line.gauges = [(gauge::UP.to_owned(), 0.0)].into();
        // 100 sockets a second open at the other node.
        let moved = ((second - 9) * 100).min(500) as f64;
        let gauges = &mut run.line(SourceRole::Node, "n1", second).gauges;
        gauges.insert(gauge::SOCKETS_OPEN.to_owned(), 500.0 + moved);
        gauges.insert(gauge::SOCKETS_ACCEPTED.to_owned(), 500.0 + moved);
    }
    let summary = run.summary();
    let balance = summary.balance.unwrap();
    let after = &balance.per_event[0];
    assert_eq!(
        (after.event.as_str(), after.node.as_str()),
        ("kill-node", "n2")
    );
    assert_eq!(after.new_sockets_by_node.get("n1"), Some(&500));
    let settled = after.settled_after_s.unwrap();
    // 500 sockets move at 100 a second, and samples come once a second.
    assert!((4.0..6.0).contains(&settled), "{settled}");
    assert_eq!(
        balance.max_over_mean_at_end,
        Some(1.0),
        "over nodes that are up"
    );
    assert_eq!(summary.nodes[1].sockets_at_end, None);
}

#[test]
fn failed_action_and_ended_process_are_problems() {
    let mut run = TestRun::clean();
    run.add_event(
        9.0,
        RecordEvent::ProcessEnded {
            id: "n1".to_owned(),
            status: "signal 11".to_owned(),
        },
    );
    run.add_event(
        11.0,
        RecordEvent::Action {
            action: "pause-node".to_owned(),
            node: "n1".to_owned(),
            error: Some("no such process".to_owned()),
        },
    );
    assert_eq!(
        run.summary().problems,
        [
            "n1 ended by itself at 9 s: signal 11",
            "pause-node n1 at 11 s failed: no such process",
        ]
    );
}

#[test]
fn sockets_of_a_new_node_count_from_zero() {
    let mut run = TestRun::clean();
    run.add_event(10.0, action("add-node", "n3"));
    for second in 10..25 {
        let mut line = run.line(SourceRole::Node, "n1", second).clone();
        line.source.id = "n3".to_owned();
        let accepted = ((second - 9) * 40).min(100) as f64;
        line.gauges
            .insert(gauge::SOCKETS_ACCEPTED.to_owned(), accepted);
        run.intervals.push(line);
    }
    let after = run.summary().balance.unwrap().per_event.remove(0);
    let new: Vec<_> = after.new_sockets_by_node.into_iter().collect();
    let expected = [("n1", 0), ("n2", 0), ("n3", 100)];
    assert_eq!(new, expected.map(|(id, count)| (id.to_owned(), count)));
    assert_eq!(after.settled_after_s, Some(0.0));
}

/// Returns the recovery time after an event at 10.2 s, in whose second `lost` sockets end and
/// `back` reconnect. The nodes' samples show nothing of it.
fn settled_after(lost: u64, back: u64) -> Option<f64> {
    let mut run = TestRun::clean();
    run.add_event(10.2, action("drain-node", "n2"));
    run.add_count("w1", 10, "disconnect.closed_1012", lost / 2);
    run.add_count("w2", 10, "disconnect.reset", lost - lost / 2);
    run.add_count("w1", 10, counter::SOCKETS_REOPENED, back);
    run.summary().balance.unwrap().per_event[0].settled_after_s
}

#[test]
fn sockets_back_between_two_samples_still_count_as_lost() {
    // The time runs to the end of the event's second.
    let settled = settled_after(500, 500).unwrap();
    assert!((settled - 0.8).abs() < 1e-9, "{settled}");
    // Ten of a thousand are a hundredth, the threshold.
    assert_eq!(settled_after(10, 10), Some(0.0));
    assert!(settled_after(11, 11).unwrap() > 0.0);
    assert_eq!(settled_after(500, 480), None, "two hundredths stay lost");
    assert!(settled_after(500, 490).is_some());
}

#[test]
fn second_dip_before_the_next_event_belongs_to_the_first_event() {
    let mut run = TestRun::clean();
    run.add_event(10.0, action("drain-node", "n2"));
    for second in [11, 14] {
        run.add_count("w1", second, "disconnect.closed_1012", 100);
        run.add_count("w2", second, counter::SOCKETS_REOPENED, 100);
    }
    run.add_event(20.0, action("restart-node", "n2"));
    let balance = run.summary().balance.unwrap();
    // The second dip ends with the second that begins at 14 s.
    assert_eq!(balance.longest_recovery_s, Some(5.0));
    let per_event = balance.per_event;
    let settled: Vec<_> = per_event
        .iter()
        .map(|event| event.settled_after_s)
        .collect();
    assert_eq!(settled, [Some(5.0), Some(0.0)]);
}

/// All nodes were sampled at 14.999 s, and n2 was killed before it answered.
#[test]
fn sample_that_raced_with_an_event_is_ignored() {
    let mut run = TestRun::clean();
    run.add_event(10.0, action("add-node", "n3"));
    run.add_event(15.0, action("kill-node", "n2"));
    for second in 14..25 {
        run.line(SourceRole::Node, "n2", second).gauges = [(gauge::UP.to_owned(), 0.0)].into();
    }
    let per_event = run.summary().balance.unwrap().per_event;
    let settled: Vec<_> = per_event
        .iter()
        .map(|event| event.settled_after_s)
        .collect();
    assert_eq!(settled, [Some(0.0), None], "half of all sockets stay lost");
}

#[test]
fn events_are_sorted_by_their_start() {
    let mut run = TestRun::clean();
    run.add_event(12.0, action("kill-node", "n2"));
    let killed = run.events.iter().position(|event| event.at == 12.0);
    // Its drain took so long that it was recorded after the next event.
    let restarted = TimedEvent {
        at: 10.0,
        kind: action("restart-node", "n1"),
    };
    run.events.insert(killed.unwrap() + 1, restarted);
    run.add_conn_event(110, "opened.n1", 3)
        .add_conn_event(130, "opened.n1", 5);
    let per_event = run.summary().balance.unwrap().per_event;
    let arrived: Vec<_> = per_event
        .iter()
        .map(|event| {
            let slices = event
                .arrivals
                .iter()
                .flat_map(|slice| slice.by_node.values());
            (event.event.as_str(), slices.sum::<u64>())
        })
        .collect();
    assert_eq!(arrived, [("restart-node", 3), ("kill-node", 5)]);
}

#[test]
fn events_of_one_second_share_the_effects() {
    let mut run = TestRun::clean();
    run.add_event(10.0, action("kill-node", "n1"));
    run.add_event(10.5, action("kill-node", "n2"));
    run.add_count("w1", 10, "disconnect.reset", 500);
    run.add_count("w2", 12, counter::SOCKETS_REOPENED, 500);
    let per_event = run.summary().balance.unwrap().per_event;
    let settled: Vec<_> = per_event
        .iter()
        .map(|event| event.settled_after_s)
        .collect();
    // Both times run to 13 s, the end of the second in which the sockets came back.
    assert_eq!(settled, [Some(3.0), Some(2.5)]);
}
