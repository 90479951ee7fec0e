//! Processes whose memory or open files grow although the load is constant.
//!
//! A run names such a process without a gate. The limits below keep quiet about everything that
//! is usual in a healthy process: caches and pools that fill after the ramp, garbage that waits
//! for its collection, and allocators that take memory in large steps.

use highwater_types::format;

use super::{
    constant_load::{constant_load, hourly_growth, points_in},
    fit::{FitPoint, SlopeFit},
    run_window::RunWindow,
    source_series::SourceSeries,
};
use crate::record::{SourceRole, names::gauge};

/// Shortest time of constant load, in seconds, in which growth counts as a leak. Pools, caches
/// and just-in-time compilers of a server settle within some minutes.
const LEAST_SPAN_S: f64 = 300.0;
/// Share of the process's own size by which it must grow. Less is within the reserve that an
/// allocator keeps.
const LEAST_SHARE: f64 = 0.02;
/// Share of the fitted slope that must be certain: the slope is then known within a factor of
/// two, and is far from zero.
const LEAST_CERTAINTY: f64 = 0.5;
/// Share of the fitted growth by which the floor must rise from each third of the time to the
/// next. The floor of a collected heap stays where it is, and a process that warms up does not
/// grow in the last third.
const LEAST_FLOOR_RISE: f64 = 0.5;

/// Roles of processes that belong to the system.
const ROLES: [SourceRole; 4] = [
    SourceRole::Node,
    SourceRole::Broker,
    SourceRole::Balancer,
    SourceRole::Consumer,
];

/// A gauge that must not grow at constant load.
struct Resource {
    gauge: &'static str,
    name: &'static str,
    /// Growth over the whole time that always counts as noise, in the gauge's unit.
    noise: f64,
    show: fn(f64) -> String,
    /// A harmless cause of the same growth.
    caveat: &'static str,
}

const RESOURCES: [Resource; 3] = [
    Resource {
        gauge: gauge::RSS,
        name: "RSS",
        // Some pages of the kernel and a chunk of an allocator.
        noise: 1_048_576.0,
        show: format::size,
        caveat: "",
    },
    Resource {
        gauge: gauge::HEAP,
        name: "heap",
        noise: 1_048_576.0,
        show: format::size,
        caveat: "; garbage that was not collected in this time looks the same",
    },
    Resource {
        gauge: gauge::OPEN_FILES,
        name: "open files",
        // Connections of samplers and of a broker come and go.
        noise: 20.0,
        show: |files| format::count(files.round() as u64),
        caveat: "",
    },
];

/// A growth that counts as a leak.
#[derive(Debug, PartialEq)]
struct Leak {
    per_hour: f64,
    from: f64,
    to: f64,
    span_s: f64,
}

/// Describes the processes whose memory or open files grew at constant load.
pub(super) fn leaks(window: &RunWindow) -> Vec<String> {
    let Some(range) = constant_load(window) else {
        return Vec::new();
    };
    let leak_of = |resource: &Resource, series: &SourceSeries| {
        // A restart begins at a new level, which does not count as growth.
        let has_restarted = series
            .restarts()
            .is_some_and(|restarts| restarts.iter().any(|at| range.contains(at)));
        let points = points_in(series.gauge(resource.gauge), &range);
        leak(&points, resource.noise).filter(|_| !has_restarted)
    };
    let descriptions = RESOURCES.iter().filter_map(|resource| {
        let processes = ROLES
            .into_iter()
            .flat_map(|role| window.sources.with_role(role));
        let leaks: Vec<(&str, Leak)> = processes
            .filter_map(|(id, series)| Some((id, leak_of(resource, series)?)))
            .collect();
        describe(resource, &leaks)
    });
    descriptions.collect()
}

/// Returns the growth of a process, if it counts as a leak.
fn leak(points: &[FitPoint], noise: f64) -> Option<Leak> {
    let SlopeFit { value, low, .. } = hourly_growth(points)?;
    let (first, last) = (points.first()?, points.last()?);
    let span_s = last.0 - first.0;
    let grown = value / 3_600.0 * span_s;
    let floors = floors(points)?;
    let is_steady = floors
        .windows(2)
        .all(|pair| pair[1] - pair[0] >= LEAST_FLOOR_RISE * grown / 3.0);
    let is_leak = span_s >= LEAST_SPAN_S
        && low >= LEAST_CERTAINTY * value
        && grown >= noise.max(LEAST_SHARE * floors[0])
        && is_steady;
    is_leak.then_some(Leak {
        per_hour: value,
        from: first.1,
        to: last.1,
        span_s,
    })
}

/// Returns the lowest value of each third of the time.
fn floors(points: &[FitPoint]) -> Option<[f64; 3]> {
    let (start, end) = (points.first()?.0, points.last()?.0);
    let third = |at: f64| (((at - start) / (end - start) * 3.0) as usize).min(2);
    let mut floors = [None; 3];
    for &(at, value) in points {
        let floor = &mut floors[third(at)];
        *floor = Some(floor.map_or(value, |known: f64| known.min(value)));
    }
    let [first, second, last] = floors;
    Some([first?, second?, last?])
}

/// Describes the process that grew most, and counts the others.
fn describe(resource: &Resource, leaks: &[(&str, Leak)]) -> Option<String> {
    let by_growth =
        |(_, a): &&(&str, Leak), (_, b): &&(&str, Leak)| a.per_hour.total_cmp(&b.per_hour);
    let (id, leak) = leaks.iter().max_by(by_growth)?;
    let others = match leaks.len() - 1 {
        0 => String::new(),
        1 => ", and that of another process as well".to_owned(),
        count => format!(", and that of {count} other processes as well"),
    };
    let show = resource.show;
    Some(format!(
        "{} of {id} grew by {}/h at constant load, from {} to {} over {}{others}{}",
        resource.name,
        show(leak.per_hour),
        show(leak.from),
        show(leak.to),
        format::seconds(leak.span_s.round()),
        resource.caveat
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1_048_576.0;

    /// Returns one sample a second, in MiB, with noise of a tenth of a MiB.
    fn series(seconds: u32, size: impl Fn(f64) -> f64) -> Vec<FitPoint> {
        (0..=seconds)
            .map(|second| {
                let at = f64::from(second);
                // Numbers without a pattern over the time that any of the tests takes.
                let noise = f64::from(second.wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
                (at, (size(at) + noise / 10.0) * MIB)
            })
            .collect()
    }

    fn found(points: &[FitPoint]) -> Option<f64> {
        leak(points, MIB).map(|leak| (leak.per_hour / MIB).round())
    }

    #[test]
    fn steady_growth_is_a_leak_of_its_size() {
        let leaking = |per_hour: f64| move |at: f64| 100.0 + per_hour * at / 3_600.0;
        assert_eq!(found(&series(600, leaking(36.0))), Some(36.0));
        assert_eq!(found(&series(3_600, leaking(36.0))), Some(36.0));
        assert_eq!(found(&series(3_600, leaking(3.0))), Some(3.0));
        // Collections in between do not hide it.
        let collected = |at: f64| 100.0 + 36.0 * at / 3_600.0 + 4.0 * (at % 20.0) / 20.0;
        assert_eq!(found(&series(3_600, collected)), Some(36.0));
        // Nor do the steps of an allocator.
        let steps = |at: f64| 100.0 + 2.0 * (36.0 * at / 3_600.0 / 2.0).floor();
        assert_eq!(found(&series(3_600, steps)), Some(36.0));
    }

    #[test]
    fn growth_that_is_usual_is_no_leak() {
        let warm_up = |at: f64| 100.0 + 50.0 * (1.0 - (-at / 60.0).exp());
        let garbage = |at: f64| 100.0 + 80.0 * (at % 170.0) / 170.0;
        let slow_garbage = |at: f64| 100.0 + 80.0 * ((at + 100.0) % 400.0) / 400.0;
        let one_step = |at: f64| if at < 290.0 { 100.0 } else { 130.0 };
        let shrinking = |at: f64| 100.0 - 36.0 * at / 3_600.0;
        let cases: [(&str, &dyn Fn(f64) -> f64); 7] = [
            ("flat", &|_| 100.0),
            ("warm-up", &warm_up),
            ("garbage", &garbage),
            ("garbage collected once", &slow_garbage),
            ("one step", &one_step),
            ("shrinking", &shrinking),
            // A tenth of a per cent of the process.
            ("little", &|at: f64| 3_000.0 + 3.0 * at / 600.0),
        ];
        for (name, size) in cases {
            assert_eq!(found(&series(600, size)), None, "{name}");
        }
    }

    #[test]
    fn short_time_shows_no_leak() {
        let leaking = |at: f64| 100.0 + at;
        assert_eq!(found(&series(299, leaking)), None);
        assert_eq!(found(&series(300, leaking)), Some(3_600.0));
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[(0.0, 1.0), (400.0, 2.0)]), None);
    }

    #[test]
    fn growth_of_several_processes_is_one_remark() {
        let leak = |per_hour: f64| Leak {
            per_hour: per_hour * MIB,
            from: 100.0 * MIB,
            to: 136.0 * MIB,
            span_s: 3_600.0,
        };
        let [rss, heap, _] = &RESOURCES;
        assert_eq!(describe(rss, &[]), None);
        assert_eq!(
            describe(rss, &[("app", leak(36.0))]).unwrap(),
            "RSS of app grew by 36 MiB/h at constant load, from 100 MiB to 136 MiB over 1 h"
        );
        assert_eq!(
            describe(
                heap,
                &[("n1", leak(3.0)), ("n2", leak(36.0)), ("n3", leak(1.0))]
            )
            .unwrap(),
            "heap of n2 grew by 36 MiB/h at constant load, from 100 MiB to 136 MiB over 1 h, \
             and that of 2 other processes as well; garbage that was not collected in this time \
             looks the same"
        );
    }
}
