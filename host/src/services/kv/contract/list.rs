use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::services::kv::Page;

const KEYS: [&str; 18] =
    ["%", "*", ".", "/", "A", "A/b", "_", "a", "a%", "a%b", "a.b", "a/", "a/b", "a/b/c", "a_b", "ab", "é", "🦀/x"];

async fn fill(bucket: &Bucket, keys: &[&str]) {
    for key in keys.iter().rev() {
        set(bucket, key, "").await;
    }
}

/// All keys with `prefix`, read in pages of `limit`.
async fn pages(bucket: &Bucket, prefix: &str, limit: u32) -> Vec<String> {
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let page = bucket.list_keys(prefix, cursor.as_deref(), limit).await.unwrap();
        assert!(page.keys.len() <= limit as usize);
        assert!(page.cursor.is_none() || !page.keys.is_empty(), "an empty page with a cursor");
        keys.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            return keys;
        }
    }
}

pub(super) async fn list_is_in_byte_order(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    assert_eq!(bucket.list_keys("", None, 10).await, Ok(Page::default()));
    fill(&bucket, &KEYS).await;
    assert!(KEYS.is_sorted());
    for limit in [1, 2, 3, 17, 18, 19, PAGE_KEYS] {
        assert_eq!(pages(&bucket, "", limit).await, KEYS, "pages of {limit}");
    }
}

pub(super) async fn list_takes_the_prefix_literally(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    fill(&bucket, &KEYS).await;
    for prefix in
        ["a", "A", "a/", "a/b", "a%", "a_", "%", "*", "_", ".", "é", "🦀", "🦀/", "🦀/x", "e", "z", "\u{10ffff}"]
    {
        let expected: Vec<&str> = KEYS.into_iter().filter(|key| key.starts_with(prefix)).collect();
        for limit in [1, 2, 100] {
            assert_eq!(pages(&bucket, prefix, limit).await, expected, "{prefix:?} in pages of {limit}");
        }
    }
}

pub(super) async fn list_pages_end(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    fill(&bucket, &["a", "b", "c", "d"]).await;
    let first = bucket.list_keys("", None, 2).await.unwrap();
    assert_eq!(first.keys, ["a", "b"]);
    let second = bucket.list_keys("", first.cursor.as_deref(), 2).await.unwrap();
    assert_eq!((second.keys, second.cursor), (vec!["c".into(), "d".into()], None), "no cursor after the last page");
    assert_eq!(bucket.list_keys("a", None, 1).await.unwrap().cursor, None);
}

pub(super) async fn list_goes_on_after_any_cursor(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    fill(&bucket, &["a", "b/1", "b/2", "b/3", "c"]).await;
    let cursor = bucket.list_keys("b/", None, 1).await.unwrap().cursor.unwrap();
    bucket.delete("b/1", Condition::Always).await.unwrap();
    let after = async |cursor: &str| bucket.list_keys("b/", Some(cursor), 10).await.unwrap().keys;
    assert_eq!(after(&cursor).await, ["b/2", "b/3"], "the cursor's key is gone");
    assert_eq!(after("").await, ["b/2", "b/3"]);
    assert_eq!(after("a").await, ["b/2", "b/3"]);
    assert_eq!(after("b/3").await, [""; 0]);
    assert_eq!(after("c").await, [""; 0]);
}

pub(super) async fn list_leaves_out_what_expired(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    for index in 0..100 {
        let ttl = (index % 2 == 0).then_some(secs(1));
        bucket.set(Write { ttl, ..write(&format!("{index:03}"), "") }).await.unwrap();
    }
    assert_eq!(pages(&bucket, "", 7).await.len(), 100);
    fixture.advance(secs(1));
    let odd: Vec<String> = (0..100).filter(|index| index % 2 == 1).map(|index| format!("{index:03}")).collect();
    assert_eq!(pages(&bucket, "", 7).await, odd);
    assert_eq!(pages(&bucket, "", 50).await, odd);
}

/// Keys that are there all the while come exactly once, whatever comes and goes beside them.
pub(super) async fn list_is_steady_under_writes(fixture: Fixture) {
    let bucket = fixture.bucket("visits").await;
    let steady: Vec<String> = (0..100).map(|index| format!("{index:03} steady")).collect();
    fill(&bucket, &steady.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (bucket, stop) = (bucket.clone(), stop.clone());
        async move {
            for index in (0..100).cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                let key = format!("{index:03} fleeting");
                set(&bucket, &key, "").await;
                bucket.delete(&key, Condition::Always).await.unwrap();
            }
        }
    });
    for _ in 0..10 {
        let keys = pages(&bucket, "", 7).await;
        assert!(keys.is_sorted_by(|one, next| one < next), "a key came twice or out of order");
        let seen: Vec<&String> = keys.iter().filter(|key| key.ends_with("steady")).collect();
        assert_eq!(seen, steady.iter().collect::<Vec<_>>());
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}
