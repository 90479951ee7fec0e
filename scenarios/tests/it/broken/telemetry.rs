//! Problems of `[[telemetry]]`.

use expect_test::expect;

use super::check;
use crate::{BASE, diagnostics_of};

#[test]
fn telemetry_needs_a_schedule_a_pool_and_consumers() {
    check(
        r#"[[telemetry]]
pool = "hone"
rate = "10/s"
every = "5s"
"#,
        expect![[r#"
            broken.toml:9:1: telemetry: telemetry records without consumers
              |
            9 | [[telemetry]]
              | ^^^^^^^^^^^^^
              = expected: `consumers = 3` in `[cluster]`, or another number

            broken.toml:10:8: telemetry.telemetry-1.pool: no pool of devices has this name
               |
            10 | pool = "hone"
               |        ^^^^^^
               = found: "hone"
               = expected: `home`
               = hint: did you mean `home`?

            broken.toml:12:9: telemetry.telemetry-1.every: both `rate` and `every`
               |
            12 | every = "5s"
               |         ^^^^
               = found: "5s"
               = expected: `rate` (over all devices) or `every` (between two telemetry records of one device)

            3 problems in broken.toml"#]],
    );
}

/// Each record is followed with two bits of memory, so that their number has a bound.
#[test]
fn more_records_than_can_be_followed_are_rejected() {
    let text = BASE
        .replace("60s", "24h")
        .replace("nodes = 2", "consumers = 1");
    let loads = "[[telemetry]]\nrate = \"11000/s\"\n[[telemetry]]\nevery = \"100ms\"\n";
    expect![[r#"
        broken.toml:12:9: telemetry.telemetry-2.every: 1_036_800_000 telemetry records in 24h
           |
        12 | every = "100ms"
           |         ^^^^^^^
           = found: "100ms"
           = expected: at most 1_000_000_000 in all, each of which is followed to the consumers' journals

        1 problem in broken.toml"#]].assert_eq(&diagnostics_of(&format!("{text}{loads}{loads}")));
}

#[test]
fn records_faster_than_any_rate_are_rejected() {
    let text = BASE
        .replace("count = 100", "count = 10_000")
        .replace("nodes = 2", "consumers = 1");
    let load = "[[telemetry]]\nevery = \"1ms\"\n";
    expect![[r#"
        broken.toml:10:9: telemetry.telemetry-1.every: 10,000,000/s telemetry records
           |
        10 | every = "1ms"
           |         ^^^^^
           = found: "1ms"
           = expected: at most 1,000,000/s telemetry records over all devices

        1 problem in broken.toml"#]]
    .assert_eq(&diagnostics_of(&format!("{text}{load}")));
}
