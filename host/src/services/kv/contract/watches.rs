use tokio::sync::broadcast::error::RecvError;

use super::*;
use crate::config::KvWatch;
use crate::services::contract::soon;
use crate::services::kv::{CHANGES, Change, ChangeKind, Operation};
use crate::services::queue::Delivered;

// Not inside a transaction: what it changes is told when it commits.
contract! {
    watches_are_told_of_changes
    what_changes_nothing_is_not_told
    a_transaction_tells_each_change
    the_changes_of_a_key_come_in_order
    watches_are_told_once_of_what_expires
    a_key_written_again_is_told_as_set
    the_message_about_a_change_is_plain_json
    who_looks_on_sees_what_is_stored
    who_looks_on_too_slowly_is_told_so
}

/// `all` is told everything, `orders` of what is written under `orders/`, `gone` of what is there no more.
pub(super) fn watches() -> Vec<KvWatch> {
    let watch =
        |queue: &str| KvWatch { queue: queue.into(), prefix: String::new(), set: true, removed: true, expired: true };
    vec![
        watch("kv/visits/all"),
        KvWatch { prefix: "orders/".into(), removed: false, expired: false, ..watch("kv/visits/orders") },
        KvWatch { set: false, ..watch("kv/visits/gone") },
    ]
}

async fn receive(fixture: &Fixture, queue: &str) -> Vec<Delivered> {
    let queue = &format!("kv/visits/{queue}");
    fixture.backends().queue.receive(queue, 100, millis(0), secs(3600)).await.unwrap()
}

fn change(message: &Delivered) -> Change {
    let change: Change = serde_json::from_slice(&message.body).unwrap();
    assert_eq!(change.bucket, "visits");
    assert_eq!(message.group.as_ref(), Some(&change.key));
    assert_eq!((message.content_type.as_deref(), &message.attributes), (Some("application/json"), &vec![]));
    change
}

/// What a queue was told since the last call.
async fn told(fixture: &Fixture, queue: &str) -> Vec<(ChangeKind, String, u64)> {
    let mut told = Vec::new();
    loop {
        // Of a group only the head is given, so that it must go before the next is seen.
        let delivered = receive(fixture, queue).await;
        if delivered.is_empty() {
            return told;
        }
        for message in delivered {
            let Change { kind, key, version, .. } = change(&message);
            told.push((kind, key, version));
            let queue = format!("kv/visits/{queue}");
            fixture.backends().queue.acknowledge(&queue, &[message.receipt]).await.unwrap();
        }
    }
}

async fn watches_are_told_of_changes(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let first = set(&bucket, "a", "1").await;
    let second = set(&bucket, "orders/1", "2").await;
    bucket.increment("n", 1, None).await.unwrap();
    let counted = bucket.get("n").await.unwrap().unwrap().version;
    assert_eq!(bucket.delete("a", Condition::Always).await, Ok(true));
    let mut all = told(&fixture, "all").await;
    all.sort_by_key(|(kind, key, _)| (key.clone(), *kind != ChangeKind::Set));
    let set = |key: &str, version| (ChangeKind::Set, key.to_owned(), version);
    let removed = (ChangeKind::Removed, "a".to_owned(), first);
    assert_eq!(all, [set("a", first), removed.clone(), set("n", counted), set("orders/1", second)]);
    assert_eq!(told(&fixture, "orders").await, [set("orders/1", second)]);
    assert_eq!(told(&fixture, "gone").await, [removed]);
}

async fn what_changes_nothing_is_not_told(fixture: Fixture) {
    let (bucket, other) = (fixture.bucket("visits").await, fixture.bucket("other").await);
    assert_eq!(bucket.delete("a", Condition::Always).await, Ok(false));
    let stale = Write { when: Condition::IfVersion(7), ..write("a", "x") };
    assert_eq!(bucket.set(stale.clone()).await, Err(Error::Conflict(None)));
    let operations = vec![Operation::Set(write("b", "x")), Operation::Set(stale)];
    assert_eq!(bucket.transact(operations).await, Err(Error::Conflict(None)));
    set(&other, "a", "x").await;
    assert_eq!(told(&fixture, "all").await, []);
}

async fn a_transaction_tells_each_change(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let old = set(&bucket, "old", "").await;
    told(&fixture, "all").await;
    let operations = vec![
        Operation::Check { key: "old".into(), when: Condition::IfVersion(old) },
        Operation::Set(write("new", "")),
        Operation::Delete { key: "orders/0".into(), when: Condition::Always },
        Operation::Set(write("orders/1", "")),
    ];
    let versions = bucket.transact(operations).await.unwrap();
    let expected = [(ChangeKind::Set, "new".into(), versions[1]), (ChangeKind::Set, "orders/1".into(), versions[3])];
    assert_eq!(told(&fixture, "all").await, expected);
}

async fn the_changes_of_a_key_come_in_order(mut fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let mut versions = Vec::new();
    for number in 0..10 {
        versions.push(set(&bucket, "key", &number.to_string()).await);
    }
    drop(bucket);
    fixture.reopen();
    let told: Vec<u64> = told(&fixture, "all").await.into_iter().map(|(_, _, version)| version).collect();
    assert_eq!(told, versions);
}

/// What is told once the sweep had the time to come by.
async fn told_in_time(fixture: &Fixture, queue: &str, count: usize) -> Vec<(ChangeKind, String, u64)> {
    let mut all = Vec::new();
    for _ in 0..40 {
        all.extend(told(fixture, queue).await);
        if all.len() >= count {
            break;
        }
        tokio::time::sleep(millis(100)).await;
    }
    all
}

async fn watches_are_told_once_of_what_expires(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let brief = |key: &str| Write { ttl: Some(millis(10)), ..write(key, "v") };
    let mut versions = Vec::new();
    for number in 0..100 {
        versions.push(bucket.set(brief(&format!("{number:02}"))).await.unwrap());
    }
    set(&bucket, "lasting", "").await;
    fixture.advance(secs(2));
    assert_eq!(bucket.delete("00", Condition::Always).await, Ok(false), "nobody removes what has expired");
    let mut gone = told_in_time(&fixture, "gone", 100).await;
    gone.sort_by_key(|(_, _, version)| *version);
    let expected: Vec<_> =
        (0..100).map(|number| (ChangeKind::Expired, format!("{number:02}"), versions[number])).collect();
    assert_eq!(gone, expected);
    fixture.advance(secs(10));
    tokio::time::sleep(millis(1200)).await;
    assert_eq!(told(&fixture, "gone").await, []);
}

/// The sweep may have come in between.
async fn a_key_written_again_is_told_as_set(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let first = bucket.set(Write { ttl: Some(millis(10)), ..write("key", "v") }).await.unwrap();
    fixture.advance(millis(10));
    let second = set(&bucket, "key", "again").await;
    fixture.advance(secs(2));
    tokio::time::sleep(millis(1200)).await;
    let mut told = told(&fixture, "all").await;
    told.retain(|change| *change != (ChangeKind::Expired, "key".into(), first));
    assert_eq!(told, [(ChangeKind::Set, "key".into(), first), (ChangeKind::Set, "key".into(), second)]);
    assert_eq!(value(&bucket, "key").await.as_deref(), Some(&b"again"[..]));
}

/// Held, because others read it.
async fn the_message_about_a_change_is_plain_json(fixture: Fixture) {
    set(&fixture.bucket("visits").await, "k\"ü", "").await;
    let body = receive(&fixture, "all").await.remove(0).body;
    assert_eq!(String::from_utf8(body).unwrap(), r#"{"bucket":"visits","key":"k\"ü","kind":"set","version":1}"#);
}

/// Also of a bucket that has no watch.
async fn who_looks_on_sees_what_is_stored(fixture: Fixture) {
    let (watched, other) = (fixture.bucket("visits").await, fixture.bucket("other").await);
    set(&other, "early", "1").await;
    let mut changes = other.changes().unwrap();
    let first = set(&other, "key", "1").await;
    let brief = other.set(Write { ttl: Some(millis(10)), ..write("brief", "v") }).await.unwrap();
    assert_eq!(
        other.set(Write { when: Condition::IfAbsent, ..write("key", "2") }).await,
        Err(Error::Conflict(Some(first)))
    );
    assert_eq!(other.delete("key", Condition::Always).await, Ok(true));
    let elsewhere = set(&watched, "a", "1").await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let Change { bucket, key, kind, version } = soon(changes.recv()).await.unwrap();
        seen.push((bucket, kind, key, version));
    }
    let row = |bucket: &str, kind, key: &str, version| (bucket.to_owned(), kind, key.to_owned(), version);
    assert_eq!(
        seen,
        [
            row("other", ChangeKind::Set, "key", first),
            row("other", ChangeKind::Set, "brief", brief),
            row("other", ChangeKind::Removed, "key", first),
            row("visits", ChangeKind::Set, "a", elsewhere),
        ]
    );
    fixture.advance(secs(2));
    set(&other, "later", "1").await;
    let mut kinds = [soon(changes.recv()).await.unwrap(), soon(changes.recv()).await.unwrap()];
    kinds.sort_by(|a, b| a.key.cmp(&b.key));
    let kinds = kinds.map(|change| (change.key, change.kind));
    assert_eq!(kinds, [("brief".into(), ChangeKind::Expired), ("later".into(), ChangeKind::Set)]);
    assert_eq!(fixture.backends().kv.changes("nowhere").map(drop).unwrap_err(), Error::NotFound);
}

async fn who_looks_on_too_slowly_is_told_so(fixture: Fixture) {
    let bucket = fixture.bucket("other").await;
    let mut changes = bucket.changes().unwrap();
    for number in 0..CHANGES + 10 {
        set(&bucket, &number.to_string(), "").await;
    }
    let mut missed = 0;
    let next = loop {
        match soon(changes.recv()).await {
            Ok(change) => break change.key,
            Err(error) => missed += if let RecvError::Lagged(count) = error { count } else { panic!("{error}") },
        }
    };
    // The last one may be told a moment after it was answered.
    assert!((9..=10).contains(&missed), "{missed}");
    assert_eq!(next, missed.to_string());
}
