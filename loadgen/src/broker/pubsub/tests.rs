//! The driver against the emulator.

use highwater_services::ServiceKind;

use super::*;

/// Creates a topic with a subscription.
async fn create(clients: &PubSubClients, topic: &str, subscription: &str) {
    let creating = clients.topics.create_topic().set_name(topic);
    creating.send().await.expect("a topic");
    let creating = clients.subscriptions.create_subscription();
    let creating = creating.set_name(subscription).set_topic(topic);
    creating.send().await.expect("a subscription");
}

#[tokio::test]
async fn cleanup_deletes_the_topics_and_groups_of_the_run_alone() {
    if let Some(reason) = ServiceKind::PubSub.missing_optional() {
        return println!("skipped: {reason}");
    }
    let service = ServiceKind::PubSub.start().expect("the emulator");
    let url = BrokerUrl::parse(&service.url()).expect("an address");
    PubSub.check_connection(&url).await.expect("it answers");
    let (clients, run) = connect(&url, "run").await.expect("clients");
    let other = PubSubNames::new("highwater", "run-2");
    for names in [&run, &other] {
        create(&clients, &names.topic(), &names.subscription("g")).await;
    }
    let dead = (run.dead_letter_topic(), run.dead_letter_subscription());
    create(&clients, &dead.0, &dead.1).await;
    // A second time there is nothing left to delete.
    for _ in 0..2 {
        let leftovers = PubSub.cleanup(&url, "run").await.expect("it answers");
        assert!(leftovers.is_empty());
    }
    let topics = clients.topics.list_topics().set_project(run.project());
    let topics = topics.send().await.expect("topics").topics;
    let topics: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
    assert_eq!(topics, [other.topic()]);
    let listing = clients.subscriptions.list_subscriptions();
    let listing = listing.set_project(run.project());
    let found = listing.send().await.expect("subscriptions").subscriptions;
    let found: Vec<&str> = found.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(found, [other.subscription("g")]);
}
