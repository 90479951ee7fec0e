//! A consumer group of the embedded broker that has no consumers any more.

use std::time::Duration;

use highwater_server::consumer_groups;

use super::rig::IngestRig;
use crate::{
    ground::{TestBackplaneKind, secret},
    rig::TEST_TIMEOUT,
};

#[tokio::test]
async fn abandoned_group_can_be_listed_and_removed() {
    let mut rig = IngestRig::new(TestBackplaneKind::Local.ground()).await;
    rig.consumer("billing", "c1", Duration::ZERO).await;
    rig.consumer("biling", "mistyped", Duration::ZERO).await;
    rig.end_consumer("mistyped").await;
    let (sending, mut accepted) = rig.send(20);
    rig.wait_handled(&["c1"], 8).await;
    let (url, secret) = (rig.ground.url(), secret());
    let mut names = Vec::new();
    for group in consumer_groups(&url, Some(&secret), None).await.unwrap() {
        names.push((group.group.to_string(), group.consumers));
        assert_eq!(group.expires_in_ms.is_some(), group.consumers == 0);
    }
    assert_eq!(names, [("biling".to_owned(), 0), ("billing".to_owned(), 1)]);
    assert_eq!(*accepted.borrow(), 0, "a group has not handled the records");
    let served = "billing".parse().unwrap();
    let refused = consumer_groups(&url, Some(&secret), Some(&served)).await;
    assert!(refused.unwrap_err().to_string().contains("has 1 consumers"));
    let abandoned = "biling".parse().unwrap();
    let left = consumer_groups(&url, Some(&secret), Some(&abandoned)).await;
    assert_eq!(left.unwrap().len(), 1);
    let all = tokio::time::timeout(TEST_TIMEOUT, accepted.wait_for(|count| *count == 20));
    all.await
        .expect("telemetry waits for a removed group")
        .unwrap();
    sending.await.unwrap();
}
