mod effects;
mod model;

use std::sync::Arc;
use std::time::Duration;

use super::{BYTES, EFFECTS, KEYS, NotCommitted, Transaction};
use crate::config::{BlobWatch, Grant, KvWatch, QueueSettings, Resources, Service, Subscription, TopicSettings};
use crate::services::contract::{Fixture, all_at_once, bytes, secs, sqlite};
use crate::services::kv::{Condition, Write};
use crate::services::queue::{Delivered, Message, Queue};
use crate::services::transaction::Handle as _;
use crate::services::{Error, Result, blob, topic};

/// Larger than what is kept in a row.
const LARGE: usize = 100 << 10;

fn resources() -> Resources {
    let queues = ["work", "out", "all", "changes", "dead"];
    let mut queues: std::collections::BTreeMap<String, QueueSettings> =
        queues.into_iter().map(|name| (name.into(), QueueSettings::default())).collect();
    queues.insert("ordered".into(), QueueSettings { fifo: true, ..QueueSettings::default() });
    let subscription = Subscription { queue: "all".into(), filter: None };
    let kv = KvWatch { queue: "changes".into(), prefix: "watched".into(), set: true, removed: true, expired: true };
    let blob = BlobWatch {
        queue: "changes".into(),
        prefix: "watched".into(),
        suffix: String::new(),
        created: true,
        removed: true,
    };
    Resources {
        buckets: ["visits".into(), "other".into()].into(),
        containers: ["inbox".into()].into(),
        queues,
        topics: [("stored".into(), TopicSettings { subscriptions: vec![subscription], ..TopicSettings::default() })]
            .into(),
        kv_watches: [("visits".into(), vec![kv])].into(),
        blob_watches: [("inbox".into(), vec![blob])].into(),
    }
}

fn fixture() -> Fixture {
    Fixture::open(sqlite, resources())
}

fn begin(fixture: &Fixture) -> Arc<dyn Transaction> {
    fixture.backends().transactions.as_ref().unwrap().begin()
}

fn write(key: &str, value: impl Into<Vec<u8>>) -> Write {
    Write { key: key.into(), value: value.into(), ttl: None, when: Condition::Always }
}

fn message(body: impl Into<Vec<u8>>) -> Message {
    Message { body: body.into(), ..Message::default() }
}

/// Sends a message and leases it.
async fn received(fixture: &Fixture, queue: &str) -> Delivered {
    let backend = &fixture.backends().queue;
    backend.send(queue, vec![message("event")]).await.unwrap();
    backend.receive(queue, 1, Duration::ZERO, secs(30)).await.unwrap().remove(0)
}

async fn bodies(fixture: &Fixture, queue: &str) -> Vec<String> {
    let delivered = fixture.backends().queue.receive(queue, 100, Duration::ZERO, secs(30)).await.unwrap();
    delivered.into_iter().map(|message| String::from_utf8(message.body).unwrap()).collect()
}

async fn value(fixture: &Fixture, key: &str) -> Option<String> {
    let entry = fixture.backends().kv.get("visits", key).await.unwrap();
    entry.map(|entry| String::from_utf8(entry.value).unwrap())
}

/// Names of files that hold bodies.
fn blob_files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { blob_files(&path) } else { 1 }).sum()
}

fn files(fixture: &Fixture) -> usize {
    blob_files(&fixture.path().join("blobs"))
}

async fn put(transaction: &dyn Transaction, key: &str, length: usize) -> blob::ObjectInfo {
    transaction.blob().put("inbox", key, bytes(length), blob::PutOptions::default()).await.unwrap()
}

async fn acknowledges(fixture: &Fixture, queue: &str, message: &Delivered) -> Result<()> {
    fixture.backends().queue.acknowledge(queue, &[message.receipt]).await.unwrap().remove(0)
}
