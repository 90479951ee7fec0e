//! The fleet on a clock of its own: nodes that report, sockets that arrive, and
//! several gateways that know of each other only what the nodes tell. Seeded; each
//! figure has a range that it must fall into.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use tokio::time::Instant;

use super::{
    LoadMeasure, Policy,
    account::SocketLease,
    config::GatewayConfig,
    fleet::{Assigned, Fleet},
    health::Checked,
};
use crate::{
    backplane::{Member, Role, View},
    cluster::message::LoadReport,
    id::NodeId,
};

/// Between two reports, as nodes make them.
const REPORTS: Duration = Duration::from_millis(250);

/// A cluster whose nodes are counts.
struct Cluster {
    gateways: Vec<Fleet>,
    nodes: BTreeMap<NodeId, SimNode>,
    version: u64,
    now: Instant,
    reported: Instant,
    /// Held so that sockets stay open.
    leases: Vec<SocketLease>,
}

struct SimNode {
    epoch: u64,
    sockets: u64,
    accepts: bool,
    own: Option<f64>,
}

impl Cluster {
    fn new(gateways: usize, change: impl Fn(&mut GatewayConfig)) -> Self {
        let now = Instant::now();
        let gateway = |number: usize| {
            let backplane = "local://127.0.0.1:1".parse().unwrap();
            let id = format!("g{number}").parse().unwrap();
            let mut config = GatewayConfig::new(id, backplane);
            change(&mut config);
            Fleet::new(&config, 100 * number as u64)
        };
        Self {
            gateways: (1..=gateways).map(gateway).collect(),
            nodes: BTreeMap::new(),
            version: 1,
            now,
            reported: now,
            leases: Vec::new(),
        }
    }

    /// Nodes that were there before the gateways.
    fn with_nodes(mut self, sockets: &[u64]) -> Self {
        for (at, sockets) in sockets.iter().enumerate() {
            self.put(&format!("n{}", at + 1), 1, *sockets);
        }
        self.announce();
        self
    }

    fn put(&mut self, id: &str, epoch: u64, sockets: u64) {
        let node = SimNode {
            epoch,
            sockets,
            accepts: true,
            own: None,
        };
        self.nodes.insert(id.parse().unwrap(), node);
    }

    /// Every gateway hears who is there, and finds the newcomers ready.
    fn announce(&mut self) {
        self.version += 1;
        self.show(&self.view());
        self.report();
    }

    fn view(&self) -> View {
        let members = self.nodes.iter().map(|(id, node)| Member {
            id: id.clone(),
            boot: node.epoch,
            joined: node.epoch,
            address: Some(format!("{id}:1")),
            role: Role::Node,
        });
        View {
            version: self.version,
            members: members.collect(),
            connected: true,
        }
    }

    /// Every gateway goes over to a view, and finds its newcomers ready.
    fn show(&self, view: &View) {
        for gateway in &self.gateways {
            for newcomer in gateway.adopt(view, self.now) {
                assert!(gateway.checked(&newcomer, Checked::Ready, self.now));
            }
        }
    }

    /// The names that the first gateway knows.
    fn known(&self) -> Vec<String> {
        let figures = self.gateways[0].figures();
        figures.iter().map(|node| node.id.to_string()).collect()
    }

    /// So many requests at the first gateway, each over before the next one comes; how
    /// many each node got.
    fn ask(&self, count: usize) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for _ in 0..count {
            let requested = self.gateways[0].request(&[], self.now).unwrap();
            *asked.entry(requested.upstream.id.to_string()).or_default() += 1;
        }
        asked
    }

    fn report(&mut self) {
        self.reported = self.now;
        for (id, node) in &self.nodes {
            let report = LoadReport {
                epoch: node.epoch,
                sockets: node.sockets,
                own: node.own,
                accepts: node.accepts,
            };
            for gateway in &self.gateways {
                gateway.report(id, &report);
            }
        }
    }

    /// Sockets arrive evenly, at one gateway after the other.
    fn arrive(&mut self, count: u32, per_s: u32) {
        for number in 0..count {
            self.now += Duration::from_secs(1) / per_s;
            if self.now - self.reported >= REPORTS {
                self.report();
            }
            let gateway = &self.gateways[number as usize % self.gateways.len()];
            let Assigned {
                upstream,
                mut lease,
                ..
            } = gateway.assign(&[], self.now).unwrap();
            lease.establish();
            self.leases.push(lease);
            self.nodes.get_mut(&upstream.id).unwrap().sockets += 1;
        }
    }

    fn sockets(&self) -> Vec<u64> {
        self.nodes.values().map(|node| node.sockets).collect()
    }

    fn max_over_mean(&self) -> f64 {
        let sockets = self.sockets();
        let mean = sockets.iter().sum::<u64>() as f64 / sockets.len() as f64;
        *sockets.iter().max().unwrap() as f64 / mean
    }
}

fn with(policy: Policy) -> impl Fn(&mut GatewayConfig) {
    move |config| config.policy = policy
}

/// A thousand sockets on each of two nodes, a third comes, 2,400 more at 200/s.
#[test]
fn a_third_node_comes() {
    let table = [
        (Policy::RoundRobin, 1, 1.20..=1.28),
        (Policy::RoundRobin, 2, 1.20..=1.28),
        (Policy::Random, 1, 1.20..=1.30),
        (Policy::LeastConn, 1, 1.00..=1.01),
        (Policy::LeastConn, 2, 1.00..=1.05),
        (Policy::P2c, 1, 1.00..=1.04),
        (Policy::P2c, 2, 1.00..=1.04),
        (Policy::P2c, 4, 1.00..=1.04),
    ];
    for (policy, gateways, expected) in table {
        let mut cluster = Cluster::new(gateways, with(policy)).with_nodes(&[1000, 1000]);
        cluster.put("n3", 2, 0);
        cluster.announce();
        cluster.arrive(2400, 200);
        let found = cluster.max_over_mean();
        let sockets = cluster.sockets();
        assert!(
            expected.contains(&found),
            "{policy}, {gateways} gateways: {found} of {sockets:?}"
        );
    }
}

/// One of four nodes dies, and its thousand sockets come back to the others.
#[test]
fn a_node_dies() {
    for (policy, gateways) in [(Policy::LeastConn, 1), (Policy::P2c, 1), (Policy::P2c, 2)] {
        let mut cluster = Cluster::new(gateways, with(policy)).with_nodes(&[1000; 4]);
        cluster.nodes.pop_first();
        cluster.announce();
        cluster.arrive(1000, 1000);
        let found = cluster.max_over_mean();
        assert!(found <= 1.02, "{policy}, {gateways} gateways: {found}");
    }
}

/// What four gateways know of each other is a quarter of a second old. Until the next
/// report all of them send a storm to the node that has least, and by two choices only
/// their part; by the reports after that it is made good.
#[test]
fn gateways_run_together_no_further_than_to_the_next_report() {
    for (policy, expected) in [
        (Policy::LeastConn, 1500..=1500),
        // Half of 1,500, by five standard deviations.
        (Policy::P2c, 653..=847),
    ] {
        let cold = |config: &mut GatewayConfig| {
            config.policy = policy;
            config.slow_start = Duration::ZERO;
        };
        let mut cluster = Cluster::new(4, cold).with_nodes(&[1000, 1000, 1000, 0]);
        cluster.arrive(1500, 6000);
        let newcomer = cluster.sockets()[3];
        assert!(expected.contains(&newcomer), "{policy}: {newcomer}");
        cluster.arrive(3000, 6000);
        let found = cluster.max_over_mean();
        assert!(found <= 1.03, "{policy}: {:?}", cluster.sockets());
    }
}

/// A node that begins again begins at zero, whatever its last life had.
#[test]
fn a_node_comes_back_empty() {
    let mut cluster = Cluster::new(2, with(Policy::P2c)).with_nodes(&[0; 3]);
    cluster.arrive(3000, 1000);
    let before = cluster.sockets()[0];
    cluster.put("n1", 2, 0);
    cluster.announce();
    for gateway in &cluster.gateways {
        let figures = &gateway.figures()[0];
        assert_eq!((figures.epoch, figures.load), (2, Some(0.0)));
    }
    cluster.arrive(u32::try_from(before).unwrap() * 3, 200);
    assert!(cluster.max_over_mean() <= 1.04, "{:?}", cluster.sockets());
}

/// In its first moments a newcomer gets a growing part of its share, and all of it
/// once it is warm.
#[test]
fn slow_start_holds_the_least_loaded_back() {
    let slow = |config: &mut GatewayConfig| {
        config.policy = Policy::LeastConn;
        config.slow_start = Duration::from_secs(10);
    };
    let mut cluster = Cluster::new(1, slow).with_nodes(&[10_000, 10_000]);
    cluster.put("n3", 2, 0);
    cluster.announce();
    let mut shares = Vec::new();
    for _ in 0..12 {
        let before = cluster.sockets()[2];
        cluster.arrive(200, 200);
        shares.push(cluster.sockets()[2] - before);
    }
    assert!((5..=40).contains(&shares[0]), "{shares:?}");
    assert!((80..=130).contains(&shares[5]), "{shares:?}");
    assert_eq!(shares[11], 200, "{shares:?}");
}

/// Slow start is for requests, too.
#[test]
fn a_newcomer_gets_a_part_of_the_requests() {
    let slow = |config: &mut GatewayConfig| {
        config.policy = Policy::Random;
        config.slow_start = Duration::from_secs(10);
    };
    let mut cluster = Cluster::new(1, slow).with_nodes(&[0, 0]);
    cluster.put("n3", 2, 0);
    cluster.announce();
    // Five standard deviations: 3,000 times a tenth of a third, then a third.
    let first = cluster.ask(3000)["n3"];
    assert!((50..=150).contains(&first), "{first}");
    cluster.now += Duration::from_secs(10);
    let then = cluster.ask(3000)["n3"];
    assert!((870..=1130).contains(&then), "{then}");
}

/// While little is asked, nobody has anything under way, and all are equals: a node
/// with few sockets is not the one for all requests.
#[test]
fn requests_do_not_go_by_sockets() {
    for policy in Policy::ALL {
        let cluster = Cluster::new(1, with(policy)).with_nodes(&[1000, 1000, 0]);
        let asked = cluster.ask(3000);
        for node in ["n1", "n2", "n3"] {
            assert!((870..=1130).contains(&asked[node]), "{policy}: {asked:?}");
        }
    }
}

/// After an outage of the backplane nodes come back to it one by one. Until each had
/// the time to, it is still there; who leaves after that, or comes back in another
/// life, is not spared.
#[test]
fn a_backplane_that_was_away_takes_no_node_with_it() {
    let mut cluster = Cluster::new(1, with(Policy::LeastConn)).with_nodes(&[5, 5, 5]);
    let whole = cluster.view();
    let cut_off = View {
        connected: false,
        ..whole.clone()
    };
    let only = |ids: &[&str]| View {
        members: {
            let all = whole.members.iter().cloned();
            all.filter(|one| ids.contains(&one.id.as_str())).collect()
        },
        ..whole.clone()
    };
    cluster.show(&cut_off);
    assert_eq!(cluster.gateways[0].awaits_until(), None);
    cluster.show(&only(&[]));
    assert_eq!(cluster.known(), ["n1", "n2", "n3"]);
    // The second leaves once it has come back.
    cluster.show(&only(&["n1", "n2"]));
    cluster.show(&only(&["n1"]));
    assert_eq!(cluster.known(), ["n1", "n3"]);
    let end = cluster.gateways[0].awaits_until().unwrap();
    assert!(end > cluster.now);
    // Cut off again, it is waited for anew.
    cluster.show(&cut_off);
    assert_eq!(cluster.gateways[0].awaits_until(), None);
    cluster.now = end;
    cluster.show(&only(&["n1"]));
    assert_eq!(cluster.known(), ["n1", "n3"]);
    cluster.now = cluster.gateways[0].awaits_until().unwrap();
    cluster.show(&only(&["n1"]));
    assert_eq!(cluster.known(), ["n1"]);
    assert_eq!(cluster.gateways[0].awaits_until(), None);
}

/// Who waits for a node's answer is told when none is to be expected, and not before.
#[test]
fn who_waits_for_a_node_is_told_of_its_end() {
    let cluster = Cluster::new(1, with(Policy::LeastConn)).with_nodes(&[5]);
    let fleet = &cluster.gateways[0];
    let id = "n1".parse().unwrap();
    let assigned = || fleet.assign(&[], cluster.now).unwrap().fallen;
    let first = assigned();
    fleet.check(&id, Checked::Failed);
    fleet.check(&id, Checked::NotReady);
    fleet.check(&id, Checked::Ready);
    assert!(!first.is_cancelled());
    fleet.check(&id, Checked::Refused);
    assert!(first.is_cancelled());
    fleet.check(&id, Checked::Ready);
    let second = assigned();
    assert!(!second.is_cancelled());
    cluster.show(&View {
        members: Vec::new(),
        ..cluster.view()
    });
    assert!(second.is_cancelled());
}

/// By loads of the nodes' own making; a node without one brings all back to sockets.
#[test]
fn a_custom_load_is_gone_by_while_all_have_one() {
    let custom = |config: &mut GatewayConfig| {
        config.policy = Policy::LeastConn;
        config.load = LoadMeasure::Custom;
    };
    let mut cluster = Cluster::new(1, custom).with_nodes(&[100, 100]);
    // A socket costs the first three times as much.
    let loads = |cluster: &mut Cluster| {
        for (node, each) in cluster.nodes.values_mut().zip([3.0, 1.0]) {
            node.own = Some(node.sockets as f64 * each);
        }
        cluster.report();
    };
    for _ in 0..40 {
        loads(&mut cluster);
        cluster.arrive(10, 1000);
    }
    let sockets = cluster.sockets();
    assert!((140..=160).contains(&sockets[0]), "{sockets:?}");
    cluster.nodes.values_mut().next().unwrap().own = None;
    cluster.report();
    cluster.arrive(100, 1000);
    assert_eq!(
        cluster.sockets()[0],
        sockets[0] + 100,
        "by sockets it has the fewest"
    );
}

/// What may happen to a fleet of four nodes.
#[derive(Debug, Clone)]
enum Step {
    Join(usize),
    Restart(usize),
    Leave(usize),
    Drain(usize),
    Check(usize, Checked),
    Arrive,
    Close(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let checks = prop_oneof![
        Just(Checked::Ready),
        Just(Checked::NotReady),
        Just(Checked::Failed),
        Just(Checked::Refused),
        Just(Checked::NotAsked),
    ];
    let step = prop_oneof![
        (0..4usize).prop_map(Step::Join),
        (0..4usize).prop_map(Step::Restart),
        (0..4usize).prop_map(Step::Leave),
        (0..4usize).prop_map(Step::Drain),
        (0..4usize, checks).prop_map(|(node, checked)| Step::Check(node, checked)),
        Just(Step::Arrive),
        Just(Step::Arrive),
        Just(Step::Arrive),
        (0..50usize).prop_map(Step::Close),
    ];
    prop::collection::vec(step, 0..150)
}

/// A socket and where it went.
struct Open {
    node: NodeId,
    epoch: u64,
    _lease: SocketLease,
}

proptest! {
    /// Whatever happens: nobody gets a socket who drains, is down or has left; and
    /// the counts of a life are the sockets that went to it, those of a life that is
    /// over apart.
    #[test]
    fn only_who_takes_sockets_gets_one(steps in steps(), policy in 0..4usize) {
        let mut cluster = Cluster::new(1, with(Policy::ALL[policy]));
        let mut epoch = 0;
        let mut open: Vec<Open> = Vec::new();
        for step in steps {
            let id = |node: usize| -> NodeId { format!("n{node}").parse().unwrap() };
            match step {
                Step::Join(node) if !cluster.nodes.contains_key(&id(node)) => {
                    epoch += 1;
                    cluster.put(id(node).as_str(), epoch, 0);
                    cluster.announce();
                }
                Step::Restart(node) if cluster.nodes.contains_key(&id(node)) => {
                    epoch += 1;
                    cluster.put(id(node).as_str(), epoch, 0);
                    cluster.announce();
                }
                Step::Leave(node) => {
                    cluster.nodes.remove(&id(node));
                    cluster.announce();
                }
                Step::Drain(node) => {
                    if let Some(node) = cluster.nodes.get_mut(&id(node)) {
                        node.accepts = false;
                    }
                    cluster.report();
                }
                Step::Check(node, checked) => cluster.gateways[0].check(&id(node), checked),
                Step::Arrive => {
                    if let Some(Assigned { upstream, lease, .. }) = cluster.gateways[0].assign(&[], cluster.now) {
                        let node = cluster.nodes.get_mut(&upstream.id);
                        prop_assert!(node.is_some(), "{} has left", upstream.id);
                        let node = node.unwrap();
                        prop_assert!(node.accepts, "{} drains", upstream.id);
                        prop_assert_eq!(node.epoch, upstream.epoch);
                        open.push(Open { node: upstream.id.clone(), epoch: upstream.epoch, _lease: lease });
                    }
                }
                Step::Close(at) if at < open.len() => drop(open.swap_remove(at)),
                Step::Join(_) | Step::Restart(_) | Step::Close(_) => {}
            }
            for figures in cluster.gateways[0].figures() {
                let of_node = open.iter().filter(|open| open.node == figures.id);
                let counts = cluster.gateways[0].counts()[&figures.id];
                prop_assert_eq!(counts.handshaking, of_node.clone().count() as u64);
                // The nodes here say that they have none.
                let of_life = of_node.filter(|open| open.epoch == figures.epoch).count();
                prop_assert_eq!(figures.load, Some(of_life as f64));
            }
        }
    }
}

impl Fleet {
    /// A check of whichever life the node has now.
    fn check(&self, id: &NodeId, checked: Checked) {
        let upstream = self.upstream(id);
        if let Some(upstream) = upstream {
            assert!(self.checked(&upstream, checked, Instant::now()));
        }
    }
}
