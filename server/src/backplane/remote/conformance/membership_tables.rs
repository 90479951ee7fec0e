//! The guarantees on the membership table: compare-and-set.

use tokio::task::JoinSet;

use super::{
    super::{StoredTable, disconnect_reason::with_timeout},
    fixture::{ConformanceTarget, TransportPeer, address, address_through, shared},
    tcp_proxy::TcpProxy,
};

pub(super) async fn table_is_replaced_only_with_its_current_revision<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address(&broker.url());
    let a = TransportPeer::<K>::connect(&address, "a").await;
    let b = TransportPeer::<K>::connect(&address, "b").await;
    assert!(a.load().await.is_none());
    assert!(!a.store(Some(1), "x").await);
    assert!(a.store(None, "1").await);
    assert!(!b.store(None, "x").await);
    let first = load_existing(&b).await;
    assert_eq!(first.table, "1");
    assert_eq!(
        load_existing(&a).await.revision,
        first.revision,
        "a load changes the revision"
    );
    assert!(b.store(Some(first.revision), "2").await);
    assert!(!a.store(Some(first.revision), "x").await);
    let second = load_existing(&a).await;
    assert_eq!(second.table, "2");
    assert_ne!(second.revision, first.revision);
}

pub(super) async fn concurrent_updates_are_all_kept<K: ConformanceTarget>() {
    const WRITERS: u32 = 4;
    const EACH: u32 = 10;
    let broker = shared::<K>();
    let address = address(&broker.url());
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let peer = TransportPeer::<K>::connect(&address, &format!("w{writer}")).await;
        writers.spawn(async move {
            for _ in 0..EACH {
                while !add_one(&peer).await {}
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let peer = TransportPeer::<K>::connect(&address, "reader").await;
    assert_eq!(number(&load_existing(&peer).await), WRITERS * EACH);
}

/// An operator deletes the table. Open connections may break; a new one stores it again.
pub(super) async fn deleted_table_can_be_stored_again<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let address = address(&broker.url());
    let peer = TransportPeer::<K>::connect(&address, "n").await;
    assert!(peer.store(None, "0").await);
    K::delete_table(&broker.url(), &address.cluster).await;
    match peer.transport.load_table().await {
        Ok(found) => assert!(found.is_none(), "{found:?}"),
        Err(error) => drop(error),
    }
    let again = TransportPeer::<K>::connect(&address, "n").await;
    assert!(again.load().await.is_none());
    assert!(add_one(&again).await);
    assert_eq!(number(&load_existing(&again).await), 1);
}

// A client library may leave a call without a result when its connection is cut, so these
// tests give up calls of the writer as a membership does.

/// The writer's connection is cut after every number of bytes that it may send. The stored
/// table is then the old or the new one, the new one if the store returned `true`, and it
/// can be replaced.
pub(super) async fn writer_that_dies_at_any_byte_leaves_a_valid_table<K: ConformanceTarget>() {
    let broker = shared::<K>();
    let url = broker.url();
    let address = address(&url);
    let reader = TransportPeer::<K>::connect(&address, "reader").await;
    assert!(reader.store(None, "0").await);
    let mut writes = 0;
    let mut cut_after = 0;
    loop {
        let before = load_existing(&reader).await;
        let proxy = TcpProxy::start(&url).await;
        let through = address_through(&address, &proxy.url(&url));
        let writer = TransportPeer::<K>::connect(&through, "writer").await;
        proxy.cut_after(cut_after);
        let next = format!("{}", number(&before) + 1);
        let store = writer
            .transport
            .store_table(Some(before.revision), next.into());
        let result = with_timeout("store the membership table", store).await;
        drop(writer);
        proxy.cut();
        let after = load_existing(&reader).await;
        let written = number(&after) - number(&before);
        assert!(written <= 1, "cut after {cut_after}: {after:?}");
        assert_eq!(written == 1, after.revision != before.revision);
        match result {
            Ok(true) => assert_eq!(written, 1, "cut after {cut_after}"),
            Ok(false) => panic!("no other writer exists"),
            Err(_) => {}
        }
        writes += written;
        if matches!(result, Ok(true)) && proxy.has_allowance() {
            break;
        }
        cut_after += STEP;
    }
    assert!(cut_after > 5 * STEP, "nothing was cut");
    assert!(writes > 0);
    assert!(add_one(&reader).await);
}

/// The writer stores the first table, and its connection is cut likewise.
pub(super) async fn first_writer_that_dies_at_any_byte_leaves_none_or_a_valid_table<
    K: ConformanceTarget,
>() {
    let broker = shared::<K>();
    let url = broker.url();
    let mut cut_after = 0;
    loop {
        let address = address(&url);
        let proxy = TcpProxy::start(&url).await;
        let through = address_through(&address, &proxy.url(&url));
        let writer = TransportPeer::<K>::connect(&through, "writer").await;
        proxy.cut_after(cut_after);
        let store = writer.transport.store_table(None, "1".into());
        let result = with_timeout("store the membership table", store).await;
        drop(writer);
        proxy.cut();
        let reader = TransportPeer::<K>::connect(&address, "reader").await;
        match reader.load().await {
            Some(stored) => assert_eq!(stored.table, "1"),
            None => {
                assert!(!matches!(result, Ok(true)), "cut after {cut_after}");
                while !reader.store(None, "1").await {}
            }
        }
        assert!(add_one(&reader).await, "cut after {cut_after}");
        if matches!(result, Ok(true)) && proxy.has_allowance() {
            break;
        }
        cut_after += STEP;
    }
    assert!(cut_after > 5 * STEP, "nothing was cut");
}

/// The bytes between two cuts. The shortest message of any protocol that changes
/// something is longer.
const STEP: usize = 17;

async fn load_existing<K: ConformanceTarget>(peer: &TransportPeer<K>) -> StoredTable {
    peer.load().await.expect("no table is stored")
}

/// Loads, changes and stores the table once, as nodes do.
async fn add_one<K: ConformanceTarget>(peer: &TransportPeer<K>) -> bool {
    let stored = peer.load().await;
    let next = stored.as_ref().map_or(0, number) + 1;
    let revision = stored.map(|stored| stored.revision);
    peer.store(revision, &next.to_string()).await
}

fn number(stored: &StoredTable) -> u32 {
    std::str::from_utf8(&stored.table).unwrap().parse().unwrap()
}
