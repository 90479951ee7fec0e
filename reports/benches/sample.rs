//! The cost of one sample at a worker: counting a duration in a histogram, compared with
//! reading the clock, which every sample does as well.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use highwater_reports::histogram::{latency_histogram, record};

/// Returns durations from 100 µs to 400 ms without a pattern.
fn durations() -> Vec<Duration> {
    let mut state = 7_u64;
    (0..4096)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            Duration::from_micros(100 << (state >> 60 & 7))
                .mul_f64(1.0 + (state >> 40 & 0xff) as f64 / 85.0)
        })
        .collect()
}

fn sample(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sample");
    let durations = durations();
    group.bench_function("count a duration", |bencher| {
        let mut histogram = latency_histogram();
        let mut next = durations.iter().cycle();
        bencher.iter(|| {
            if let Some(&duration) = next.next() {
                record(&mut histogram, black_box(duration));
            }
        });
    });
    group.bench_function("read the clock (reference)", |bencher| {
        bencher.iter(|| black_box(Instant::now()));
    });
    group.finish();
}

criterion_group!(benches, sample);
criterion_main!(benches);
