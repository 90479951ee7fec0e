//! The workers' segments are the whole plan, without loss or overlap.

use std::time::Duration;

use highwater_scenarios::{
    Plan, Segment,
    plan::{DevicePool, LoadModel},
};
use highwater_types::Rate;
use proptest::prelude::*;

fn segments(of: u32) -> impl Iterator<Item = Segment> {
    (0..of).map(move |index| Segment::new(index, of).expect("below `of`"))
}

fn pool(count: u64, per_second: f64) -> DevicePool {
    let mut pool = crate::plan_of("").devices.remove(0);
    pool.count = count;
    pool.ramp = Rate::per_second(per_second).expect("above zero");
    pool
}

fn plan(pools: &[(u64, f64)], users: u64) -> Plan {
    let mut plan = crate::plan_of(&format!("[[commands]]\nusers = {users}"));
    plan.devices = pools
        .iter()
        .map(|&(count, ramp)| pool(count, ramp))
        .collect();
    plan
}

proptest! {
    #[test]
    fn shares_sum_to_the_whole(total in 0u64..1_000_000, of in 1u32..300) {
        let sum: u64 = segments(of).map(|segment| segment.share_of(total)).sum();
        prop_assert_eq!(sum, total);
    }

    #[test]
    fn socket_belongs_to_one_worker(count in 1u64..2_000, of in 1u32..40, seed: u64) {
        let pool = pool(count, 100.0);
        let mut cut: Vec<_> = segments(of).flat_map(|segment| segment.sockets(&pool, seed)).collect();
        cut.sort_by_key(|slot| slot.index);
        let whole: Vec<_> = Segment::whole().sockets(&pool, seed).collect();
        // The same numbers, due times and phases, however many workers.
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn share_equals_the_count_of_its_indices(count in 0u64..2_000, of in 1u32..40) {
        for segment in segments(of) {
            prop_assert_eq!(segment.indices(count).count() as u64, segment.share_of(count));
        }
    }

    #[test]
    fn user_belongs_to_one_worker(users in 1u64..2_000, of in 1u32..40, think in 0u64..100_000) {
        let think = Duration::from_millis(think);
        let model = LoadModel::Closed { users, think };
        let mut cut: Vec<_> = segments(of).flat_map(|segment| segment.users(&model)).collect();
        cut.sort_by_key(|slot| slot.index);
        prop_assert_eq!(&cut, &Segment::whole().users(&model).collect::<Vec<_>>());
        prop_assert!(cut.iter().all(|user| user.starts_at <= think));
    }

    #[test]
    fn arrival_belongs_to_one_worker(per_second in 0.1f64..500.0, of in 1u32..40, millis in 0u64..5_000) {
        let model = LoadModel::Open { rate: Rate::per_second(per_second).unwrap(), max_in_flight: 1 };
        let until = Duration::from_millis(millis);
        let mut cut: Vec<_> = segments(of).flat_map(|segment| segment.arrivals(&model, until)).collect();
        cut.sort();
        let whole: Vec<_> = Segment::whole().arrivals(&model, until).collect();
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn ramp_opens_its_count_at_its_rate(count in 1u64..2_000, per_second in 1u32..5_000) {
        let pool = pool(count, f64::from(per_second));
        let due: Vec<_> = Segment::whole().sockets(&pool, 1).map(|slot| slot.opens_at).collect();
        prop_assert_eq!(due.len() as u64, count);
        prop_assert!(due.is_sorted());
        // In each whole second as many as the rate says, until there are no more.
        for second in 0..due.last().map_or(0, Duration::as_secs) {
            let opened = due.iter().filter(|at| at.as_secs() == second).count();
            prop_assert!((opened as i64 - i64::from(per_second)).abs() <= 1, "{} in second {}", opened, second);
        }
    }

    #[test]
    fn heartbeat_phases_are_fractions(count in 1u64..500, seed: u64) {
        let pool = pool(count, 100.0);
        prop_assert!(Segment::whole().sockets(&pool, seed).all(|slot| (0.0..1.0).contains(&slot.phase)));
    }

    #[test]
    fn workers_needed_is_the_fewest_that_fit(
        counts in prop::collection::vec(1u64..200_000, 1..5),
        users in 1u64..50_000,
        files in 1u64..50_000,
    ) {
        let pools: Vec<_> = counts.iter().map(|&count| (count, 100.0)).collect();
        let plan = plan(&pools, users);
        let workers = plan.workers_needed(files);
        prop_assert!(workers >= 1);
        let fits = |workers: u32| {
            let first = Segment::new(0, workers).unwrap();
            let taken: u64 = counts.iter().map(|&count| first.share_of(count)).sum::<u64>() + first.share_of(users);
            taken + 512 <= files
        };
        // Below that limit the reserve is half of it, and `taken + 512` does not hold.
        if files > 1_024 {
            prop_assert!(fits(workers));
            prop_assert!(workers == 1 || !fits(workers - 1));
        }
    }
}

#[test]
fn phases_are_spread_evenly() {
    let pool = pool(10_000, 100.0);
    let mut tenths = [0u32; 10];
    for slot in Segment::whole().sockets(&pool, 1) {
        tenths[(slot.phase * 10.0) as usize] += 1;
    }
    // Six standard deviations (30) around 1,000.
    assert!(
        tenths.iter().all(|count| (820..1_180).contains(count)),
        "{tenths:?}"
    );
}

#[test]
fn segment_index_beyond_the_count_is_rejected() {
    assert!(Segment::new(3, 3).is_err());
    assert!(Segment::new(0, 0).is_err());
}
