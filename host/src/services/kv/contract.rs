//! What every key-value backend must do.

mod list;
mod transact;
mod watches;

use super::{
    Bucket, Condition, Entry, KEY_BYTES, MANY_BYTES, MANY_KEYS, PAGE_KEYS, TRANSACTION_BYTES, TTL_MAX, VALUE_BYTES,
    Write,
};
use crate::config::{Grant, QueueSettings, Resources, Right, Service};
use crate::services::contract::{Fixture, START_MS, all_at_once, bytes, contract, millis, secs};
use crate::services::{Error, Result};
use list::*;
use transact::*;
use watches::watches;

contract! { + transaction
    values_come_back_as_set
    keys_are_any_text
    limits_are_kept
    unknown_buckets_are_not_found
    rights_are_checked
    buckets_are_separate
    another_handle_reads_what_was_written
    versions_grow_and_come_once
    a_version_does_not_return_with_its_key
    writes_keep_their_condition
    deletes_keep_their_condition
    one_of_many_wins_a_version
    one_of_many_creates
    increment_counts_in_decimal_text
    increment_refuses_what_is_no_counter
    increment_is_atomic
    increment_keeps_or_sets_the_expiry
    keys_expire
    an_expired_key_is_absent_for_conditions
    set_clears_the_expiry
    many_keys_are_read_in_order
    many_values_are_bounded
    everything_survives_reopening
    list_is_in_byte_order
    list_takes_the_prefix_literally
    list_pages_end
    list_goes_on_after_any_cursor
    list_leaves_out_what_expired
    list_is_steady_under_writes
    transactions_apply_everything
    transactions_apply_nothing_on_conflict
    transactions_check_every_condition
    transactions_are_bounded
    transactions_do_not_mix
}

pub(super) fn resources() -> Resources {
    let watches = watches();
    let told = QueueSettings { fifo: true, ..QueueSettings::default() };
    Resources {
        buckets: ["visits".into(), "other".into()].into(),
        queues: watches.iter().map(|watch| (watch.queue.clone(), told.clone())).collect(),
        kv_watches: [("visits".into(), watches)].into(),
        ..Resources::default()
    }
}

fn write(key: &str, value: impl Into<Vec<u8>>) -> Write {
    Write { key: key.into(), value: value.into(), ttl: None, when: Condition::Always }
}

async fn set(bucket: &Bucket, key: &str, value: &str) -> u64 {
    bucket.set(write(key, value)).await.unwrap()
}

async fn value(bucket: &Bucket, key: &str) -> Option<Vec<u8>> {
    bucket.get(key).await.unwrap().map(|entry| entry.value)
}

async fn values_come_back_as_set(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    for length in [0, 1, 255, 256, 65_536, VALUE_BYTES] {
        let version = bucket.set(write("key", bytes(length))).await.unwrap();
        let expected = Entry { value: bytes(length), version, expires_at_ms: None };
        assert_eq!(bucket.get("key").await, Ok(Some(expected)), "{length} bytes");
    }
    assert_eq!(bucket.exists("key").await, Ok(true));
    assert_eq!(bucket.delete("key", Condition::Always).await, Ok(true));
    assert_eq!(bucket.get("key").await, Ok(None));
    assert_eq!(bucket.exists("key").await, Ok(false));
    assert_eq!(bucket.delete("key", Condition::Always).await, Ok(false));
}

async fn keys_are_any_text(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let longest = "ü".repeat(KEY_BYTES / 2);
    let keys = [" ", "a", "A", "a/b", "../..", "100%", "_", "'\"; --", "🦀", "e\u{301}", "é", "\u{1}\n", &longest];
    for key in keys {
        set(&bucket, key, key).await;
    }
    for key in keys {
        assert_eq!(value(&bucket, key).await.as_deref(), Some(key.as_bytes()), "{key:?}");
    }
}

async fn limits_are_kept(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let too_long = "a".repeat(KEY_BYTES + 1);
    assert_eq!(bucket.get(&too_long).await, Err(Error::TooLarge(512)));
    assert_eq!(bucket.set(write(&too_long, "")).await, Err(Error::TooLarge(512)));
    assert_eq!(bucket.set(write("key", vec![0; VALUE_BYTES + 1])).await, Err(Error::TooLarge(524_288)));
    assert_eq!(bucket.list_keys(&too_long, None, 1).await, Err(Error::TooLarge(512)));
    assert_eq!(bucket.get_many(&vec!["a".into(); MANY_KEYS + 1]).await, Err(Error::TooLarge(100)));
    let invalid = [
        bucket.get("").await.unwrap_err(),
        bucket.get("a\0b").await.unwrap_err(),
        bucket.set(Write { ttl: Some(millis(0)), ..write("key", "") }).await.unwrap_err(),
        bucket.increment("key", 1, Some(TTL_MAX + millis(1))).await.unwrap_err(),
        bucket.delete("key", Condition::IfAbsent).await.unwrap_err(),
        bucket.list_keys("", None, 0).await.unwrap_err(),
        bucket.list_keys("", None, PAGE_KEYS + 1).await.unwrap_err(),
    ];
    insta::allow_duplicates! {
        insta::assert_snapshot!(invalid.map(|error| error.to_string()).join("\n"), @r#"
        invalid: the key is empty
        invalid: key "a\0b" contains NUL
        invalid: `ttl-ms` is 0, it goes from 1 to 315360000000
        invalid: `ttl-ms` is 315360000001, it goes from 1 to 315360000000
        invalid: `if-absent` makes no sense for a delete
        invalid: `limit` is 0, it goes from 1 to 1000
        invalid: `limit` is 1001, it goes from 1 to 1000
        "#);
    }
    assert_eq!(bucket.set(Write { ttl: Some(TTL_MAX), ..write("key", "") }).await.map(|_| ()), Ok(()));
}

async fn unknown_buckets_are_not_found(fixture: Fixture) {
    let backend = &fixture.backends().kv;
    let grant = Grant::new(Service::Kv, "nowhere", &[Right::Read, Right::Write]);
    assert_eq!(Bucket::open(backend.clone(), grant).await.map(|_| ()), Err(Error::NotFound));
    assert_eq!(backend.bucket_exists("nowhere").await, Ok(false));
    assert_eq!(backend.get("nowhere", "key").await, Err(Error::NotFound));
    assert_eq!(backend.get_many("nowhere", &["key".into()]).await, Err(Error::NotFound));
    assert_eq!(backend.set("nowhere", write("key", "")).await, Err(Error::NotFound));
    assert_eq!(backend.delete("nowhere", "key", Condition::Always).await, Err(Error::NotFound));
    assert_eq!(backend.increment("nowhere", "key", 1, None).await, Err(Error::NotFound));
    assert_eq!(backend.list_keys("nowhere", "", None, 1).await, Err(Error::NotFound));
    assert_eq!(backend.transact("nowhere", vec![put("key")]).await, Err(Error::NotFound));
}

async fn rights_are_checked(fixture: Fixture) {
    let open = |rights| Bucket::open(fixture.backends().kv.clone(), Grant::new(Service::Kv, "visits", rights));
    let reader = open(&[Right::Read]).await.unwrap();
    let denied: Error = reader.set(write("key", "")).await.unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(
            denied,
            @"access denied: bucket `visits` is not granted for this, add `--grant kv:visits:rw`"
        );
    }
    assert_eq!(reader.delete("key", Condition::Always).await, Err(denied.clone()));
    assert_eq!(reader.increment("key", 1, None).await, Err(denied.clone()));
    assert_eq!(reader.transact(vec![put("key")]).await, Err(denied));
    assert_eq!(reader.get("key").await, Ok(None));
    let nobody = open(&[]).await.unwrap();
    let denied = nobody.get("key").await.unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(
            denied,
            @"access denied: bucket `visits` is not granted for this, add `--grant kv:visits:ro`"
        );
    }
    assert_eq!(nobody.list_keys("", None, 1).await, Err(denied));
}

async fn buckets_are_separate(fixture: Fixture) {
    let (visits, other) = (fixture.bucket("visits").await, fixture.bucket("other").await);
    set(&visits, "key", "one").await;
    assert_eq!(other.get("key").await, Ok(None));
    set(&other, "key", "two").await;
    assert_eq!(visits.delete("key", Condition::Always).await, Ok(true));
    assert_eq!(value(&other, "key").await.as_deref(), Some(&b"two"[..]));
}

async fn another_handle_reads_what_was_written(fixture: Fixture) {
    let (one, other) = (fixture.bucket("visits").await, fixture.bucket("visits").await);
    for round in 0..50 {
        let text = round.to_string();
        set(&one, "key", &text).await;
        assert_eq!(value(&other, "key").await.as_deref(), Some(text.as_bytes()));
    }
}

async fn versions_grow_and_come_once(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let mut versions = vec![set(&bucket, "a", "").await, set(&bucket, "b", "").await, set(&bucket, "a", "").await];
    bucket.increment("n", 1, None).await.unwrap();
    versions.push(bucket.get("n").await.unwrap().unwrap().version);
    versions.extend(bucket.transact(vec![put("c"), put("a")]).await.unwrap());
    assert!(versions[0] > 0 && versions.is_sorted_by(|one, next| one < next), "{versions:?}");
}

async fn a_version_does_not_return_with_its_key(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let first = set(&bucket, "key", "same").await;
    bucket.delete("key", Condition::Always).await.unwrap();
    let second = set(&bucket, "key", "same").await;
    assert!(second > first);
    let stale = Write { when: Condition::IfVersion(first), ..write("key", "lost") };
    assert_eq!(bucket.set(stale).await, Err(Error::Conflict(Some(second))));
    assert_eq!(value(&bucket, "key").await.as_deref(), Some(&b"same"[..]));
}

async fn writes_keep_their_condition(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let attempt = |when, value: &str| bucket.set(Write { when, ..write("key", value) });
    assert_eq!(attempt(Condition::IfVersion(1), "x").await, Err(Error::Conflict(None)));
    let first = attempt(Condition::IfAbsent, "first").await.unwrap();
    assert_eq!(attempt(Condition::IfAbsent, "x").await, Err(Error::Conflict(Some(first))));
    assert_eq!(attempt(Condition::IfVersion(first + 1), "x").await, Err(Error::Conflict(Some(first))));
    assert_eq!(value(&bucket, "key").await.as_deref(), Some(&b"first"[..]));
    let second = attempt(Condition::IfVersion(first), "second").await.unwrap();
    assert_eq!(attempt(Condition::IfVersion(first), "x").await, Err(Error::Conflict(Some(second))));
    assert_eq!(value(&bucket, "key").await.as_deref(), Some(&b"second"[..]));
}

async fn deletes_keep_their_condition(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    assert_eq!(bucket.delete("key", Condition::IfVersion(1)).await, Err(Error::Conflict(None)));
    let version = set(&bucket, "key", "").await;
    let wrong = Condition::IfVersion(version + 1);
    assert_eq!(bucket.delete("key", wrong).await, Err(Error::Conflict(Some(version))));
    assert_eq!(bucket.exists("key").await, Ok(true));
    assert_eq!(bucket.delete("key", Condition::IfVersion(version)).await, Ok(true));
    assert_eq!(bucket.exists("key").await, Ok(false));
}

/// Lets 32 writers write the same key and returns how many were refused.
async fn race(bucket: &Bucket, when: Condition) -> usize {
    let attempts = (0..32).map(|writer: u32| {
        let bucket = bucket.clone();
        async move { bucket.set(Write { when, ..write("key", writer.to_string()) }).await }
    });
    let answers: Vec<Result<u64>> = all_at_once(attempts).await;
    let entry = bucket.get("key").await.unwrap().unwrap();
    let winner = answers.iter().position(Result::is_ok).unwrap();
    assert_eq!(answers[winner], Ok(entry.version));
    assert_eq!(entry.value, winner.to_string().into_bytes());
    answers.iter().filter(|answer| **answer == Err(Error::Conflict(Some(entry.version)))).count()
}

async fn one_of_many_wins_a_version(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let version = set(&bucket, "key", "").await;
    assert_eq!(race(&bucket, Condition::IfVersion(version)).await, 31);
}

async fn one_of_many_creates(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    assert_eq!(race(&bucket, Condition::IfAbsent).await, 31);
}

async fn increment_counts_in_decimal_text(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    for (delta, sum) in [(1, 1), (41, 42), (0, 42), (-50, -8), (i64::MIN + 8, i64::MIN), (i64::MAX, -1)] {
        assert_eq!(bucket.increment("n", delta, None).await, Ok(sum));
        assert_eq!(value(&bucket, "n").await, Some(sum.to_string().into_bytes()));
    }
    set(&bucket, "n", "9223372036854775806").await;
    assert_eq!(bucket.increment("n", 1, None).await, Ok(i64::MAX));
}

async fn increment_refuses_what_is_no_counter(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    for text in ["", "one", "1.0", " 1", "9223372036854775808"] {
        set(&bucket, "n", text).await;
        let refused = bucket.increment("n", 1, None).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{text:?} gives {refused:?}");
        assert_eq!(value(&bucket, "n").await.as_deref(), Some(text.as_bytes()));
    }
    for (text, delta) in [("9223372036854775807", 1), ("-9223372036854775808", -1)] {
        let version = set(&bucket, "n", text).await;
        assert_eq!(bucket.increment("n", delta, None).await, Err(Error::Conflict(Some(version))));
        assert_eq!(value(&bucket, "n").await.as_deref(), Some(text.as_bytes()));
    }
}

async fn increment_is_atomic(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let counters = (0..32).map(|_| {
        let bucket = bucket.clone();
        async move {
            for _ in 0..100 {
                bucket.increment("n", 1, None).await.unwrap();
            }
        }
    });
    all_at_once(counters).await;
    assert_eq!(bucket.increment("n", 0, None).await, Ok(3200));
}

async fn increment_keeps_or_sets_the_expiry(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let expiry = async || bucket.get("n").await.unwrap().unwrap().expires_at_ms;
    bucket.increment("n", 1, None).await.unwrap();
    assert_eq!(expiry().await, None);
    bucket.increment("n", 1, Some(secs(10))).await.unwrap();
    assert_eq!(expiry().await, Some(START_MS + 10_000));
    fixture.advance(secs(5));
    bucket.increment("n", 1, None).await.unwrap();
    assert_eq!(expiry().await, Some(START_MS + 10_000));
    bucket.increment("n", 1, Some(secs(7))).await.unwrap();
    assert_eq!(expiry().await, Some(START_MS + 12_000));
    fixture.advance(secs(7));
    assert_eq!(bucket.increment("n", 1, None).await, Ok(1), "an expired counter starts anew");
    assert_eq!(expiry().await, None);
}

async fn keys_expire(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let version = bucket.set(Write { ttl: Some(millis(1500)), ..write("key", "v") }).await.unwrap();
    let entry = Entry { value: b"v".into(), version, expires_at_ms: Some(START_MS + 1500) };
    fixture.advance(millis(1499));
    assert_eq!(bucket.get("key").await, Ok(Some(entry)));
    fixture.advance(millis(1));
    assert_eq!(bucket.get("key").await, Ok(None));
    assert_eq!(bucket.exists("key").await, Ok(false));
    assert_eq!(bucket.get_many(&["key".into()]).await, Ok(vec![None]));
    assert_eq!(bucket.delete("key", Condition::Always).await, Ok(false));
}

async fn an_expired_key_is_absent_for_conditions(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let brief = |key: &str| Write { ttl: Some(millis(10)), ..write(key, "v") };
    let version = bucket.set(brief("a")).await.unwrap();
    bucket.set(brief("b")).await.unwrap();
    fixture.advance(millis(10));
    let stale = Write { when: Condition::IfVersion(version), ..write("a", "") };
    assert_eq!(bucket.set(stale).await, Err(Error::Conflict(None)));
    assert_eq!(bucket.delete("a", Condition::IfVersion(version)).await, Err(Error::Conflict(None)));
    let create = |key: &str| Write { when: Condition::IfAbsent, ..write(key, "new") };
    assert!(bucket.set(create("a")).await.unwrap() > version);
    assert!(bucket.transact(vec![super::Operation::Set(create("b"))]).await.is_ok());
}

async fn set_clears_the_expiry(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    bucket.set(Write { ttl: Some(secs(1)), ..write("key", "brief") }).await.unwrap();
    set(&bucket, "key", "lasting").await;
    fixture.advance(TTL_MAX);
    // A write gives the backend an occasion to drop what has expired.
    set(&bucket, "unrelated", "").await;
    let entry = bucket.get("key").await.unwrap().unwrap();
    assert_eq!((entry.value, entry.expires_at_ms), (b"lasting".into(), None));
}

async fn many_keys_are_read_in_order(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let keys: Vec<String> = (0..MANY_KEYS).rev().map(|index| format!("key {index}")).collect();
    for key in keys.iter().step_by(2) {
        set(&bucket, key, key).await;
    }
    let entries = bucket.get_many(&keys).await.unwrap();
    let values: Vec<_> = entries.into_iter().map(|entry| entry.map(|entry| entry.value)).collect();
    let expected = keys.iter().enumerate().map(|(index, key)| (index % 2 == 0).then(|| key.clone().into_bytes()));
    assert_eq!(values, expected.collect::<Vec<_>>());
    assert_eq!(bucket.get_many(&[]).await, Ok(vec![]));
    let twice = bucket.get_many(&[keys[0].clone(), keys[0].clone()]).await.unwrap();
    assert!(twice[0].is_some() && twice[0] == twice[1]);
}

async fn many_values_are_bounded(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let keys: Vec<String> = (0..=MANY_BYTES / VALUE_BYTES).map(|index| index.to_string()).collect();
    for key in &keys {
        bucket.set(write(key, vec![7; VALUE_BYTES])).await.unwrap();
    }
    assert_eq!(bucket.get_many(&keys[1..]).await.unwrap().len(), 16);
    assert_eq!(bucket.get_many(&keys).await, Err(Error::TooLarge(8 << 20)));
}

async fn everything_survives_reopening(mut fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    set(&bucket, "kept", "v").await;
    bucket.set(Write { ttl: Some(secs(60)), ..write("brief", "v") }).await.unwrap();
    let newest = set(&bucket, "newest", "v").await;
    bucket.delete("newest", Condition::Always).await.unwrap();
    drop(bucket);
    fixture.reopen();
    let bucket = fixture.bucket("visits").await;
    assert_eq!(value(&bucket, "kept").await.as_deref(), Some(&b"v"[..]));
    assert_eq!(bucket.get("brief").await.unwrap().unwrap().expires_at_ms, Some(START_MS + 60_000));
    assert_eq!(bucket.exists("newest").await, Ok(false));
    assert!(set(&bucket, "newest", "v").await > newest, "a version was given twice");
    fixture.advance(secs(60));
    assert_eq!(bucket.exists("brief").await, Ok(false));
}
