//! The queues of real brokers, each with its files, so that it can be killed and
//! started again with what it had.

use highwater_services::{Nats, RabbitMq, Redis, RedisOptions, Service};

use super::{Queue, suite};

struct Broker(Option<Service>);

impl Broker {
    async fn start(kind: fn() -> Service) -> Self {
        let started = tokio::task::spawn_blocking(kind).await.unwrap();
        Self(Some(started))
    }

    /// Starting and ending block.
    async fn with(&mut self, work: fn(&mut Service)) {
        let mut service = self.0.take().unwrap();
        let worked = tokio::task::spawn_blocking(move || {
            work(&mut service);
            service
        });
        self.0 = Some(worked.await.unwrap());
    }
}

impl Queue for Broker {
    fn url(&self) -> String {
        self.0.as_ref().unwrap().url()
    }

    async fn kill(&mut self) {
        self.with(Service::kill).await;
    }

    async fn start_again(&mut self) {
        self.with(|service| service.start_again().unwrap()).await;
    }
}

macro_rules! passes_the_suite {
    ($broker:ident, $start:expr) => {
        mod $broker {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn every_group_handles_each_reading_once() {
                suite::every_group_handles_each_reading_once(Broker::start($start).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn what_a_dead_consumer_had_is_handled_by_another() {
                let broker = Broker::start($start).await;
                suite::what_a_dead_consumer_had_is_handled_by_another(broker).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_queue_that_dies_loses_nothing_that_was_accepted() {
                let broker = Broker::start($start).await;
                suite::a_queue_that_dies_loses_nothing_that_was_accepted(broker).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn nothing_is_accepted_for_nobody() {
                suite::nothing_is_accepted_for_nobody(Broker::start($start).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_consumer_that_is_asked_to_end_leaves_nothing_behind() {
                let broker = Broker::start($start).await;
                suite::a_consumer_that_is_asked_to_end_leaves_nothing_behind(broker).await;
            }
        }
    };
}

passes_the_suite!(redis, || Redis::start(RedisOptions { persistent: true })
    .unwrap());
passes_the_suite!(nats, || Nats::start().unwrap());
passes_the_suite!(rabbitmq, || RabbitMq::start().unwrap());
