//! The contract while brokers and nodes are well.

use std::time::Duration;

use bytes::Bytes;
use highwater_server::{
    NodeId,
    backplane::{Inbound, MAX_PAYLOAD_BYTES, MessageKind, RequestError, SendError},
};
use tokio::time::Instant;

use super::peer::{round_trip, three, topic};
use crate::ground::{TestBackplaneKind, on_every_backplane};

on_every_backplane!(
    members_are_the_same_for_all_and_versions_grow,
    messages_between_two_nodes_keep_their_order,
    request_gets_its_own_response,
    forwarded_request_is_answered_by_the_other_node,
    request_fails_when_the_node_that_holds_it_leaves,
    goaway_fails_requests_that_are_neither_answered_nor_forwarded,
    deadline_error_names_the_node_that_held_the_request,
    message_that_cannot_be_sent_is_rejected_with_the_reason,
    published_message_reaches_subscribers_and_not_the_publisher,
    sent_and_received_messages_are_counted,
);

async fn members_are_the_same_for_all_and_versions_grow(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, b, c] = three(&ground).await;
    let view = a.backplane().view().borrow().clone();
    let ids: Vec<_> = view
        .members
        .iter()
        .map(|member| member.id.as_str())
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(view.members[0].address.as_deref(), Some("h:1"));
    c.leave.cancel();
    a.wait_for_members(2).await;
    b.wait_for_members(2).await;
    assert!(a.backplane().view().borrow().version > view.version);
}

async fn messages_between_two_nodes_keep_their_order(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, mut b, _c] = three(&ground).await;
    for number in 0..1000_u32 {
        let payload = Bytes::copy_from_slice(&number.to_be_bytes());
        a.backplane().send(&b.id, payload).unwrap();
    }
    for number in 0..1000_u32 {
        match b.next().await {
            Inbound::Message { from, payload } => {
                assert_eq!(from, a.id);
                assert_eq!(payload[..], number.to_be_bytes());
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn request_gets_its_own_response(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, mut b, _c] = three(&ground).await;
    let (first, second) = (a.request(&b.id, "1"), a.request(&b.id, "2"));
    let requests = [b.next_request().await, b.next_request().await];
    // In the other order, so that the order of requests does not identify a response.
    for (from, reply_to, payload) in requests.into_iter().rev() {
        assert_eq!(from, a.id);
        b.reply(&reply_to, payload);
    }
    assert_eq!(first.await.unwrap(), "1");
    assert_eq!(second.await.unwrap(), "2");
}

async fn forwarded_request_is_answered_by_the_other_node(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, mut b, mut c] = three(&ground).await;
    let answer = a.request(&b.id, "q");
    let (_, reply_to, _) = b.next_request().await;
    let forwarded = b.backplane().forward(&reply_to, &c.id, "for c".into());
    forwarded.unwrap();
    let (from, reply_to, payload) = c.next_request().await;
    assert_eq!((from, &payload[..]), (b.id.clone(), &b"for c"[..]));
    c.reply(&reply_to, "from c");
    assert_eq!(answer.await.unwrap(), "from c");
}

async fn request_fails_when_the_node_that_holds_it_leaves(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, mut b, mut c] = three(&ground).await;
    let (sent, forwarded) = (a.request(&c.id, ""), a.request(&b.id, ""));
    let (_, reply_to, _) = b.next_request().await;
    b.backplane()
        .forward(&reply_to, &c.id, Bytes::new())
        .unwrap();
    c.next().await;
    c.next().await;
    c.leave.cancel();
    assert_eq!(sent.await, Err(RequestError::Left(c.id.clone())));
    assert_eq!(forwarded.await, Err(RequestError::Left(c.id.clone())));
}

async fn goaway_fails_requests_that_are_neither_answered_nor_forwarded(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, mut b, mut c] = three(&ground).await;
    let receiver = b.id.clone();
    let request = |payload| a.request(&receiver, payload);
    let [answered, forwarded, ignored] = ["answer", "forward", "ignore"].map(request);
    for _ in 0..3 {
        let (_, reply_to, payload) = b.next_request().await;
        match &payload[..] {
            b"answer" => b.reply(&reply_to, payload),
            b"forward" => b.backplane().forward(&reply_to, &c.id, payload).unwrap(),
            _ => {}
        }
    }
    b.backplane().announce_leave();
    let unprocessed = Err(RequestError::Unprocessed(b.id.clone()));
    assert_eq!(ignored.await, unprocessed);
    assert_eq!(answered.await.unwrap(), "answer");
    assert_eq!(
        request("late").await,
        unprocessed,
        "a request after the GoAway"
    );
    b.leave.cancel();
    a.wait_for_members(2).await;
    let (_, reply_to, _) = c.next_request().await;
    c.reply(&reply_to, "from c");
    assert_eq!(forwarded.await.unwrap(), "from c");
}

async fn deadline_error_names_the_node_that_held_the_request(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, b, _c] = three(&ground).await;
    let deadline = Instant::now() + Duration::from_millis(20);
    let answer = a.backplane().request(&b.id, Bytes::new(), deadline).await;
    assert_eq!(answer, Err(RequestError::Deadline { at: b.id.clone() }));
}

async fn message_that_cannot_be_sent_is_rejected_with_the_reason(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, b, _c] = three(&ground).await;
    let unknown: NodeId = "unknown".parse().unwrap();
    let rejected = a.backplane().send(&unknown, Bytes::new());
    assert_eq!(rejected, Err(SendError::NotMember(unknown)));
    let too_large = Bytes::from(vec![0; MAX_PAYLOAD_BYTES + 1]);
    assert_eq!(
        a.backplane().send(&b.id, too_large),
        Err(SendError::TooLarge(MAX_PAYLOAD_BYTES + 1))
    );
    let largest = Bytes::from(vec![0; MAX_PAYLOAD_BYTES]);
    assert_eq!(a.backplane().send(&b.id, largest), Ok(()));
}

async fn published_message_reaches_subscribers_and_not_the_publisher(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [mut a, mut b, mut c] = three(&ground).await;
    for peer in [&a, &b] {
        peer.backplane().subscribe(&topic());
    }
    // On the same path: the broker has the subscription when the request arrives.
    round_trip(&b, &mut c).await;
    for payload in ["1", "2"] {
        a.publish(payload);
    }
    a.send(&c.id, "after").await;
    for expected in ["1", "2"] {
        match b.next().await {
            Inbound::Published { topic: of, payload } => {
                assert_eq!((&of, &payload[..]), (&topic(), expected.as_bytes()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(c.next_message().await, "after", "c did not subscribe");
    b.backplane().unsubscribe(&topic());
    // `a` receives this request, and its own publications not before it.
    round_trip(&b, &mut a).await;
    a.publish("3");
    a.send(&b.id, "after").await;
    assert_eq!(b.next_message().await, "after", "b unsubscribed");
}

async fn sent_and_received_messages_are_counted(kind: TestBackplaneKind) {
    let ground = kind.ground();
    let [a, mut b, _c] = three(&ground).await;
    let sent = || a.backplane().traffic().sent(MessageKind::Unicast);
    let (messages, bytes) = sent();
    a.send(&b.id, &"x".repeat(100)).await;
    b.next().await;
    assert!(sent().0 > messages && sent().1 >= bytes + 100);
    assert!(b.backplane().traffic().received(MessageKind::Unicast).1 >= 100);
}
