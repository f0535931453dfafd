use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

pub(super) async fn a_reader_keeps_the_object_it_opened(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    for size in [1000, 100_000, 2 << 20] {
        let info = put(&container, "key", bytes(size)).await;
        let mut overwritten = container.reader("key", None).await.unwrap();
        let start = overwritten.read(10).await.unwrap();
        put(&container, "key", "new").await;
        let rest = read_all(overwritten.as_mut(), CHUNK_BYTES).await;
        assert!([start, rest].concat() == bytes(size), "{size} bytes, overwritten");
        assert_eq!(overwritten.info(), &info);
        put(&container, "key", bytes(size)).await;
        let mut deleted = container.reader("key", None).await.unwrap();
        container.delete("key", Condition::Always).await.unwrap();
        assert!(read_all(deleted.as_mut(), CHUNK_BYTES).await == bytes(size), "{size} bytes, deleted");
    }
}

pub(super) async fn a_reader_reads_its_range_in_pieces(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let content = bytes(100_000);
    put(&container, "key", content.clone()).await;
    let range = Some(Range { start: 40_000, length: Some(50_000) });
    for max in [777, 50_000, CHUNK_BYTES] {
        let mut reader = container.reader("key", range).await.unwrap();
        assert!(read_all(reader.as_mut(), max).await == content[40_000..90_000], "pieces of {max}");
        assert_eq!(reader.read(max).await, Ok(vec![]), "the end stays the end");
    }
}

pub(super) async fn a_writer_stores_at_finish(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let options = PutOptions {
        content_type: Some("image/png".into()),
        metadata: vec![attribute("author", "me")],
        when: Condition::IfAbsent,
    };
    for (key, pieces) in [("empty", vec![]), ("small", vec![1, 0, 99]), ("large", vec![CHUNK_BYTES, 1, CHUNK_BYTES])] {
        let content = bytes(pieces.iter().sum());
        let mut writer = container.writer(key, options.clone()).await.unwrap();
        let mut left = content.as_slice();
        for piece in pieces {
            let (chunk, rest) = left.split_at(piece);
            writer.write(chunk.to_vec()).await.unwrap();
            left = rest;
        }
        assert_eq!(container.head(key).await, Ok(None), "not before finish");
        fixture.advance(secs(1));
        let info = writer.finish().await.unwrap();
        assert_eq!((info.size, info.modified_ms), (content.len() as u64, fixture.now_ms()));
        assert_eq!((&info.content_type, &info.metadata), (&options.content_type, &options.metadata));
        let object = container.get(key, None).await.unwrap().unwrap();
        assert!(object == Object { info, data: content }, "{key}");
    }
}

pub(super) async fn a_dropped_writer_stores_nothing(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let old = put(&container, "key", "old").await;
    for size in [10, 2 << 20] {
        for key in ["key", "other"] {
            let mut writer = container.writer(key, PutOptions::default()).await.unwrap();
            for chunk in bytes(size).chunks(CHUNK_BYTES) {
                writer.write(chunk.to_vec()).await.unwrap();
            }
        }
    }
    assert_eq!(container.head("key").await, Ok(Some(old)));
    assert_eq!(container.head("other").await, Ok(None));
    assert_eq!(data(&container, "key").await.as_deref(), Some(&b"old"[..]));
}

pub(super) async fn a_writer_decides_its_condition_at_finish(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let write = async |condition| {
        let mut writer = container.writer("key", when(condition)).await.unwrap();
        writer.write(b"new".into()).await.unwrap();
        writer
    };
    let creating = write(Condition::IfAbsent).await;
    let etag = put(&container, "key", "old").await.etag;
    assert_eq!(creating.finish().await, Err(Error::Conflict(None)));
    let replacing = write(Condition::IfMatch(etag.clone())).await;
    let late = write(Condition::IfMatch(etag)).await;
    replacing.finish().await.unwrap();
    assert_eq!(late.finish().await, Err(Error::Conflict(None)));
    let creating = write(Condition::IfAbsent).await;
    container.delete("key", Condition::Always).await.unwrap();
    assert!(creating.finish().await.is_ok(), "absent when it counts");
}

pub(super) async fn a_large_object_is_streamed(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let content = bytes(40 << 20);
    let mut writer = container.writer("key", PutOptions::default()).await.unwrap();
    for chunk in content.chunks(CHUNK_BYTES) {
        writer.write(chunk.to_vec()).await.unwrap();
    }
    let info = writer.finish().await.unwrap();
    assert_eq!(info.size, 40 << 20);
    let mut reader = container.reader("key", None).await.unwrap();
    assert!(read_all(reader.as_mut(), CHUNK_BYTES).await == content);
    assert_eq!(container.get("key", None).await, Err(Error::TooLarge(8 << 20)));
    let range = |start, length| Some(Range { start, length: Some(length) });
    assert_eq!(container.get("key", range(1, WHOLE_BYTES + 1)).await, Err(Error::TooLarge(8 << 20)));
    let part = container.get("key", range(1, WHOLE_BYTES)).await.unwrap().unwrap();
    assert!(part.data == content[1..=8 << 20]);
    let copy = container.copy("key", "copy", Condition::Always).await.unwrap();
    assert_eq!(copy.size, 40 << 20);
    let mut reader = container.reader("copy", range(39 << 20, 1 << 20)).await.unwrap();
    assert!(read_all(reader.as_mut(), 65_536).await == content[39 << 20..]);
}

/// Readers that come while an object is replaced over and over see one of its versions, to its end.
pub(super) async fn an_object_is_replaced_as_a_whole(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let version = |fill: u8| vec![fill; 40_000 + usize::from(fill)];
    put(&container, "key", version(0)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (container, stop) = (container.clone(), stop.clone());
        async move {
            for fill in (0..200).cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                put(&container, "key", version(fill)).await;
            }
        }
    });
    for _ in 0..50 {
        let mut reader = container.reader("key", None).await.unwrap();
        let content = read_all(reader.as_mut(), 1000).await;
        assert!(content == version(content[0]), "a mixture of {} bytes", content.len());
        assert_eq!(reader.info().size, content.len() as u64);
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}
