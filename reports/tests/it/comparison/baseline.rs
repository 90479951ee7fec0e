//! A run against a baseline.

use highwater_reports::{evaluate, summary::Verdict, verdict_text};

use super::{noisy, worse};

#[test]
fn run_like_the_baseline_passes() {
    let summary = evaluate(&noisy(1).record(), Some(&noisy(2).record()));
    assert_eq!(
        summary.verdict,
        Verdict::Passed,
        "{}",
        verdict_text(&summary)
    );
    assert_eq!(evaluate(&noisy(1).record(), None), noisy(1).summary());
}

#[test]
fn only_a_run_worse_than_the_baseline_fails() {
    let summary = evaluate(&worse().record(), Some(&noisy(2).record()));
    assert_eq!(summary.verdict, Verdict::Failed);
    let worse_than: Vec<&str> = summary
        .gates
        .iter()
        .map(|gate| gate.check.as_str())
        .collect();
    assert!(
        worse_than.contains(&"heartbeats.response.p99 <= baseline"),
        "{worse_than:?}"
    );
    assert!(
        worse_than.contains(&"cost_per_socket.node_rss <= baseline"),
        "{worse_than:?}"
    );
    let better = evaluate(&noisy(2).record(), Some(&worse().record()));
    assert_eq!(better.verdict, Verdict::Passed, "{}", verdict_text(&better));
}

#[test]
fn baseline_of_the_same_address_with_another_token_is_accepted() {
    let plan = |token: &str| {
        let text = format!(
            "name = \"t\"\nduration = \"5s\"\n[target]\ndialect = \"plain\"\n\
             ws = \"ws://h/ws?token={token}\"\n[[devices]]\nname = \"home\"\ncount = 1\n\
             ramp = \"1/s\"\n"
        );
        highwater_scenarios::parse("t.toml", &text, &[]).unwrap()
    };
    let recorded = plan("s3cr3t-1").without_secrets();
    let mismatch = highwater_reports::baseline_mismatch;
    assert_eq!(mismatch(&plan("s3cr3t-2"), &recorded), None);
    let mut other = plan("s3cr3t-2");
    if let highwater_scenarios::plan::SystemSpec::Target(target) = &mut other.system {
        target.ws = vec!["ws://other/ws?token=s3cr3t-2".to_owned()];
    }
    let reason = mismatch(&other, &recorded).unwrap();
    assert!(reason.contains("ws://other/ws?token=***"), "{reason}");
}
