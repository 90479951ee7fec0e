//! The embedded broker's queue.

use highwater_server::BrokerConfig;

use super::{Queue, suite};
use crate::rig::{Broker, any_port};

struct Local {
    broker: Option<Broker>,
    address: std::net::SocketAddr,
}

impl Local {
    fn start() -> Self {
        let broker = Broker::start_at(any_port(), BrokerConfig::default());
        Self {
            address: broker.address,
            broker: Some(broker),
        }
    }
}

impl Queue for Local {
    fn url(&self) -> String {
        format!("local://{}", self.address)
    }

    async fn kill(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.stop().await;
        }
    }

    async fn start_again(&mut self) {
        self.broker = Some(Broker::start_at(self.address, BrokerConfig::default()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_group_handles_each_reading_once() {
    suite::every_group_handles_each_reading_once(Local::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_consumer_had_is_handled_by_another() {
    suite::what_a_dead_consumer_had_is_handled_by_another(Local::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_dies_loses_nothing_that_was_accepted() {
    suite::a_queue_that_dies_loses_nothing_that_was_accepted(Local::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_accepted_for_nobody() {
    suite::nothing_is_accepted_for_nobody(Local::start()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_is_asked_to_end_leaves_nothing_behind() {
    suite::a_consumer_that_is_asked_to_end_leaves_nothing_behind(Local::start()).await;
}
