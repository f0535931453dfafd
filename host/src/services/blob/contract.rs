//! What every blob backend must do.

mod bounds;
mod list;
mod streams;
mod watches;

use super::{
    CHUNK_BYTES, CONTENT_TYPE_BYTES, Condition, Container, DELETE_KEYS, KEY_BYTES, METADATA_BYTES, Object, ObjectInfo,
    PAGE_OBJECTS, PutOptions, Range, Reader, WHOLE_BYTES,
};
use crate::config::{Grant, QueueSettings, Resources, Right, Service};
use crate::services::contract::{Fixture, START_MS, all_at_once, bytes, contract, secs};
use crate::services::message::Attribute;
use crate::services::{Error, Result};
use bounds::*;
use list::*;
use streams::*;
use watches::watches;

contract! { + transaction
    objects_come_back_as_put
    everything_about_an_object_comes_back
    keys_are_any_text
    keys_are_checked
    metadata_is_bounded
    arguments_are_bounded
    rights_are_checked
    unknown_containers_are_not_found
    containers_are_separate
    ranges_are_cut_at_the_end
    the_etag_changes_with_the_content
    puts_keep_their_condition
    deletes_keep_their_condition
    one_of_many_creates
    one_of_many_replaces
    copies_take_everything_along
    copies_keep_their_condition
    many_are_deleted_at_once
    objects_survive_reopening
    a_reader_keeps_the_object_it_opened
    a_reader_reads_its_range_in_pieces
    a_writer_stores_at_finish
    a_dropped_writer_stores_nothing
    a_writer_decides_its_condition_at_finish
    a_large_object_is_streamed
    an_object_is_replaced_as_a_whole
    list_is_in_byte_order
    list_takes_the_prefix_literally
    list_rolls_common_prefixes_up
    list_pages_mix_objects_and_prefixes
    list_goes_on_after_any_cursor
    list_skips_prefixes_of_any_delimiter
}

pub(super) fn resources() -> Resources {
    let watches = watches();
    let told = QueueSettings { fifo: true, ..QueueSettings::default() };
    Resources {
        containers: ["inbox".into(), "other".into()].into(),
        queues: watches.iter().map(|watch| (watch.queue.clone(), told.clone())).collect(),
        blob_watches: [("inbox".into(), watches)].into(),
        ..Resources::default()
    }
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute { name: name.into(), value: value.into() }
}

fn when(when: Condition) -> PutOptions {
    PutOptions { when, ..PutOptions::default() }
}

async fn put(container: &Container, key: &str, data: impl Into<Vec<u8>>) -> ObjectInfo {
    container.put(key, data.into(), PutOptions::default()).await.unwrap()
}

async fn data(container: &Container, key: &str) -> Option<Vec<u8>> {
    container.get(key, None).await.unwrap().map(|object| object.data)
}

async fn read_all(reader: &mut dyn Reader, max: usize) -> Vec<u8> {
    let mut data = Vec::new();
    loop {
        let chunk = reader.read(max).await.unwrap();
        assert!(chunk.len() <= max, "{} bytes instead of at most {max}", chunk.len());
        if chunk.is_empty() {
            return data;
        }
        data.extend(chunk);
    }
}

async fn objects_come_back_as_put(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let whole = usize::try_from(WHOLE_BYTES).unwrap();
    for size in [0, 1, (32 << 10) - 1, 32 << 10, (32 << 10) + 1, whole - 1, whole] {
        let info = put(&container, "key", bytes(size)).await;
        assert_eq!(info.size, size as u64);
        let object = container.get("key", None).await.unwrap().unwrap();
        assert!(object == Object { info: info.clone(), data: bytes(size) }, "{size} bytes");
        assert_eq!(container.head("key").await, Ok(Some(info)));
    }
    assert_eq!(container.delete("key", Condition::Always).await, Ok(true));
    assert_eq!(container.delete("key", Condition::Always).await, Ok(false));
    assert_eq!(container.head("key").await, Ok(None));
    assert_eq!(container.get("key", None).await, Ok(None));
    assert_eq!(container.reader("key", None).await.map(|_| ()), Err(Error::NotFound));
}

async fn everything_about_an_object_comes_back(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let metadata = vec![attribute("author", "Grüße 🦀"), attribute("a.b_c-1", ""), attribute("author", "again")];
    let options =
        PutOptions { content_type: Some("image/png".into()), metadata: metadata.clone(), ..when(Condition::IfAbsent) };
    fixture.advance(secs(5));
    let info = container.put("a/b.png", b"data".into(), options).await.unwrap();
    let expected = ObjectInfo {
        key: "a/b.png".into(),
        size: 4,
        etag: info.etag.clone(),
        content_type: Some("image/png".into()),
        modified_ms: START_MS + 5000,
        metadata,
    };
    assert_eq!(info, expected);
    assert_eq!(container.head("a/b.png").await, Ok(Some(expected.clone())));
    assert_eq!(container.reader("a/b.png", None).await.unwrap().info(), &expected);
    assert_eq!(container.list("", None, None, 10).await.unwrap().objects, [expected]);
    let bare = put(&container, "a/b.png", "data").await;
    assert_eq!((bare.content_type, bare.metadata), (None, vec![]), "nothing of the old object stays");
}

async fn keys_are_any_text(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let longest = "ü".repeat(KEY_BYTES / 2);
    let keys = [
        "a", "A", "/", "//", "/a", "a/", "a//b", "a/b", "...", "a/.../b", ".a", "a.", " ", "100%", "%2e", "a\\b",
        "..\\a", "'\"; --", "🦀", "e\u{301}", "é", "\u{1}\n", "con", "a:b", "?*", &longest,
    ];
    for key in keys {
        put(&container, key, key).await;
    }
    for key in keys {
        assert_eq!(data(&container, key).await.as_deref(), Some(key.as_bytes()), "{key:?}");
    }
    assert_eq!(container.list("", None, None, 100).await.unwrap().objects.len(), keys.len());
}

async fn containers_are_separate(fixture: Fixture) {
    let (inbox, other) = (fixture.container("inbox").await, fixture.container("other").await);
    put(&inbox, "key", "one").await;
    assert_eq!(other.head("key").await, Ok(None));
    put(&other, "key", "two").await;
    assert_eq!(inbox.delete("key", Condition::Always).await, Ok(true));
    assert_eq!(data(&other, "key").await.as_deref(), Some(&b"two"[..]));
}

async fn ranges_are_cut_at_the_end(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    for size in [10, 100_000] {
        let content = bytes(size);
        put(&container, "key", content.clone()).await;
        let end = size as u64;
        let table = [
            (0, None, 0..size),
            (0, Some(end), 0..size),
            (0, Some(1), 0..1),
            (3, Some(4), 3..7),
            (3, Some(0), 3..3),
            (3, None, 3..size),
            (end - 1, Some(1), size - 1..size),
            (end - 1, Some(2), size - 1..size),
            (3, Some(u64::MAX), 3..size),
        ];
        for (start, length, expected) in table {
            let range = Some(Range { start, length });
            let object = container.get("key", range).await.unwrap().unwrap();
            assert!(object.data == content[expected.clone()], "{range:?} of {size}");
            assert_eq!(object.info.size, end, "the info is the whole object's");
            let mut reader = container.reader("key", range).await.unwrap();
            assert!(read_all(reader.as_mut(), CHUNK_BYTES).await == content[expected], "{range:?} of {size}");
        }
        for (start, length) in [(end, None), (end, Some(1)), (end + 1, Some(0)), (u64::MAX, None)] {
            let range = Some(Range { start, length });
            let refused = container.get("key", range).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{range:?} of {size} gives {refused:?}");
            assert!(matches!(container.reader("key", range).await, Err(Error::Invalid(_))));
        }
    }
    put(&container, "empty", "").await;
    let refused = container.get("empty", Some(Range { start: 0, length: None })).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

async fn the_etag_changes_with_the_content(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let first = put(&container, "key", "one").await.etag;
    let second = put(&container, "key", "two").await.etag;
    assert_ne!(first, second);
    assert!(!second.is_empty());
    assert_eq!(container.head("key").await.unwrap().unwrap().etag, second, "reading does not change it");
}

async fn puts_keep_their_condition(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let attempt = async |condition, data: &str| container.put("key", data.into(), when(condition)).await;
    let refused = Err(Error::Conflict(None));
    assert_eq!(attempt(Condition::IfMatch("none".into()), "x").await, refused);
    assert_eq!(data(&container, "key").await, None);
    let first = attempt(Condition::IfAbsent, "first").await.unwrap().etag;
    assert_eq!(attempt(Condition::IfAbsent, "x").await, refused);
    assert_eq!(attempt(Condition::IfMatch(String::new()), "x").await, refused);
    attempt(Condition::IfMatch(first.clone()), "second").await.unwrap();
    assert_eq!(attempt(Condition::IfMatch(first), "x").await, refused);
    assert_eq!(data(&container, "key").await.as_deref(), Some(&b"second"[..]));
}

async fn deletes_keep_their_condition(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let delete = async |etag: &str| container.delete("key", Condition::IfMatch(etag.into())).await;
    assert_eq!(delete("none").await, Err(Error::Conflict(None)));
    let first = put(&container, "key", "one").await.etag;
    let second = put(&container, "key", "two").await.etag;
    assert_eq!(delete(&first).await, Err(Error::Conflict(None)));
    assert_eq!(data(&container, "key").await.as_deref(), Some(&b"two"[..]));
    assert_eq!(delete(&second).await, Ok(true));
    assert_eq!(data(&container, "key").await, None);
}

/// Lets 16 writers put the same key, half of them by streams; exactly one must win.
async fn race(container: &Container, condition: Condition) {
    let attempts = (0..16).map(|writer: u32| {
        let (container, options) = (container.clone(), when(condition.clone()));
        async move {
            if writer.is_multiple_of(2) {
                return container.put("key", writer.to_string().into(), options).await;
            }
            let mut stream = container.writer("key", options).await?;
            stream.write(writer.to_string().into()).await?;
            stream.finish().await
        }
    });
    let answers: Vec<Result<ObjectInfo>> = all_at_once(attempts).await;
    let winner = answers.iter().position(Result::is_ok).unwrap();
    assert_eq!(answers.iter().filter(|answer| **answer == Err(Error::Conflict(None))).count(), 15, "{answers:?}");
    assert_eq!(data(container, "key").await, Some(winner.to_string().into_bytes()));
}

async fn one_of_many_creates(fixture: Fixture) {
    race(&fixture.container("inbox").await, Condition::IfAbsent).await;
}

async fn one_of_many_replaces(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let etag = put(&container, "key", "old").await.etag;
    race(&container, Condition::IfMatch(etag)).await;
}

async fn copies_take_everything_along(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    assert_eq!(container.copy("none", "b", Condition::Always).await, Err(Error::NotFound));
    for size in [0, 10, 100_000] {
        let options = PutOptions {
            content_type: Some("image/png".into()),
            metadata: vec![attribute("author", "me")],
            ..PutOptions::default()
        };
        let source = container.put("a", bytes(size), options).await.unwrap();
        fixture.advance(secs(1));
        let copy = container.copy("a", "b", Condition::Always).await.unwrap();
        let expected = ObjectInfo {
            key: "b".into(),
            etag: copy.etag.clone(),
            modified_ms: source.modified_ms + 1000,
            ..source.clone()
        };
        assert_eq!(copy, expected);
        assert_eq!(container.delete("a", Condition::Always).await, Ok(true));
        assert!(data(&container, "b").await == Some(bytes(size)), "the copy of {size} bytes stands alone");
    }
    let itself = container.copy("b", "b", Condition::Always).await.unwrap();
    assert!(data(&container, "b").await == Some(bytes(100_000)));
    assert_eq!(container.head("b").await, Ok(Some(itself)));
}

async fn copies_keep_their_condition(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    put(&container, "a", "new").await;
    container.copy("a", "b", Condition::IfAbsent).await.unwrap();
    let etag = put(&container, "b", "old").await.etag;
    for condition in [Condition::IfAbsent, Condition::IfMatch("none".into())] {
        assert_eq!(container.copy("a", "b", condition).await, Err(Error::Conflict(None)));
    }
    assert_eq!(data(&container, "b").await.as_deref(), Some(&b"old"[..]));
    container.copy("a", "b", Condition::IfMatch(etag)).await.unwrap();
    assert_eq!(data(&container, "b").await.as_deref(), Some(&b"new"[..]));
}

async fn many_are_deleted_at_once(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    for key in ["a", "b", "kept"] {
        put(&container, key, "").await;
    }
    let keys = ["a", "none", "..", "b", "a"].map(String::from);
    let answers = container.delete_many(&keys).await.unwrap();
    assert!(matches!(answers[2], Err(Error::Invalid(_))), "{answers:?}");
    let plain: Vec<bool> = [0, 1, 3, 4].map(|index| answers[index].clone().unwrap()).into();
    assert_eq!(plain, [true, false, true, false]);
    assert_eq!(container.list("", None, None, 10).await.unwrap().objects[0].key, "kept");
}

async fn objects_survive_reopening(mut fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let mut kept = Vec::new();
    for size in [0, 1000, 100_000] {
        put(&container, &size.to_string(), "old").await;
        kept.push(put(&container, &size.to_string(), bytes(size)).await);
    }
    put(&container, "deleted", bytes(100_000)).await;
    container.delete("deleted", Condition::Always).await.unwrap();
    let mut unfinished = container.writer("unfinished", PutOptions::default()).await.unwrap();
    unfinished.write(bytes(100_000)).await.unwrap();
    drop((container, unfinished));
    fixture.reopen();
    let container = fixture.container("inbox").await;
    for info in &kept {
        let object = container.get(&info.key, None).await.unwrap().unwrap();
        assert!(object == Object { info: info.clone(), data: bytes(object.data.len()) }, "{info:?}");
    }
    kept.sort_by(|one, other| one.key.cmp(&other.key));
    assert_eq!(container.list("", None, None, 10).await.unwrap().objects, kept);
}
