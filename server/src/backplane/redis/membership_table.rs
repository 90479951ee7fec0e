//! The membership table in Redis: a hash of its text and its revision.

use bytes::Bytes;
use redis::{RedisResult, aio::ConnectionLike};

use crate::backplane::remote::StoredTable;

/// A script that stores the table, unless the revision differs from the expected one.
/// An expected revision of `""` means that there must be no table. Redis runs a script
/// atomically.
const COMPARE_AND_SET: &str = "\
local current = redis.call('HGET', KEYS[1], 'revision') or ''
if current ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'membership_table', ARGV[3])
return 1";

pub(super) async fn load(
    mut server: impl ConnectionLike,
    key: &str,
) -> RedisResult<Option<StoredTable>> {
    let mut get = redis::cmd("HMGET");
    get.arg(key).arg("revision").arg("membership_table");
    let (revision, table): (Option<u64>, Option<Vec<u8>>) = get.query_async(&mut server).await?;
    let stored = revision.zip(table.map(Bytes::from));
    Ok(stored.map(|(revision, table)| StoredTable { revision, table }))
}

pub(super) async fn store(
    mut server: impl ConnectionLike,
    key: &str,
    expected_revision: Option<u64>,
    table: &[u8],
) -> RedisResult<bool> {
    let expected = expected_revision.map_or_else(String::new, |revision| revision.to_string());
    // Random, because a server that has lost its state would repeat a counter.
    let revision: u64 = rand::random();
    let mut eval = redis::cmd("EVAL");
    eval.arg(COMPARE_AND_SET).arg(1).arg(key);
    eval.arg(expected).arg(revision).arg(table);
    eval.query_async(&mut server).await
}
