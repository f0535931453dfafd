use std::time::Duration;

use super::*;
use crate::config::BlobWatch;
use crate::services::blob::{Change, ChangeKind};

// Not inside a transaction: what it changes is told when it commits.
contract! {
    watches_are_told_of_changes
    what_changes_nothing_is_not_told
    the_changes_of_a_key_come_in_order
    the_message_about_a_change_is_plain_json
}

/// `all` is told everything, `images` of what is stored as `images/*.png`, `gone` of what is there no more.
pub(super) fn watches() -> Vec<BlobWatch> {
    let watch = |queue: &str| BlobWatch {
        queue: queue.into(),
        prefix: String::new(),
        suffix: String::new(),
        created: true,
        removed: true,
    };
    vec![
        watch("blob/inbox/all"),
        BlobWatch { prefix: "images/".into(), suffix: ".png".into(), removed: false, ..watch("blob/inbox/images") },
        BlobWatch { created: false, ..watch("blob/inbox/gone") },
    ]
}

/// What a queue was told since the last call; of several keys, their first changes first.
async fn told(fixture: &Fixture, queue: &str) -> Vec<Change> {
    let (name, backend) = (format!("blob/inbox/{queue}"), &fixture.backends().queue);
    let mut told = Vec::new();
    loop {
        let delivered = backend.receive(&name, 100, Duration::ZERO, secs(3600)).await.unwrap();
        if delivered.is_empty() {
            return told;
        }
        for message in delivered {
            let change: Change = serde_json::from_slice(&message.body).unwrap();
            assert_eq!(message.group.as_ref(), Some(&change.key));
            assert_eq!((message.content_type.as_deref(), message.attributes), (Some("application/json"), vec![]));
            told.push(change);
            backend.acknowledge(&name, &[message.receipt]).await.unwrap();
        }
    }
}

fn change(kind: ChangeKind, info: &ObjectInfo) -> Change {
    Change { container: "inbox".into(), key: info.key.clone(), kind, etag: info.etag.clone(), size: info.size }
}

async fn watches_are_told_of_changes(fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let small = put(&container, "images/a.png", "data").await;
    let large = put(&container, "images/a.jpeg", bytes(100_000)).await;
    let copy = container.copy("images/a.jpeg", "images/b.png", Condition::Always).await.unwrap();
    let mut writer = container.writer("c.png", PutOptions::default()).await.unwrap();
    writer.write(b"streamed".into()).await.unwrap();
    let streamed = writer.finish().await.unwrap();
    let created = |info| change(ChangeKind::Created, info);
    assert_eq!(told(&fixture, "all").await, [&small, &large, &copy, &streamed].map(created));
    assert_eq!(told(&fixture, "images").await, [&small, &copy].map(created));
    assert_eq!(container.delete("c.png", Condition::Always).await, Ok(true));
    let keys = ["images/a.png", "nothing", "images/a.jpeg"].map(String::from);
    assert_eq!(container.delete_many(&keys).await.unwrap(), [Ok(true), Ok(false), Ok(true)]);
    let removed = [&streamed, &small, &large].map(|info| change(ChangeKind::Removed, info));
    assert_eq!(told(&fixture, "all").await, removed);
    assert_eq!(told(&fixture, "gone").await, removed);
    assert_eq!(told(&fixture, "images").await, []);
}

async fn what_changes_nothing_is_not_told(fixture: Fixture) {
    let (container, other) = (fixture.container("inbox").await, fixture.container("other").await);
    put(&other, "key", "data").await;
    let refused = container.put("key", b"data".into(), when(Condition::IfMatch("etag".into()))).await;
    assert_eq!(refused, Err(Error::Conflict(None)));
    let mut writer = container.writer("key", PutOptions::default()).await.unwrap();
    writer.write(b"dropped".into()).await.unwrap();
    drop(writer);
    assert_eq!(container.delete("key", Condition::Always).await, Ok(false));
    assert_eq!(told(&fixture, "all").await, []);
}

async fn the_changes_of_a_key_come_in_order(mut fixture: Fixture) {
    let container = fixture.container("inbox").await;
    let first = put(&container, "key", "first").await;
    let second = put(&container, "key", "second").await;
    container.delete("key", Condition::Always).await.unwrap();
    drop(container);
    fixture.reopen();
    let [created, removed] = [ChangeKind::Created, ChangeKind::Removed];
    let expected = [change(created, &first), change(created, &second), change(removed, &second)];
    assert_eq!(told(&fixture, "all").await, expected);
}

/// Held, because others read it.
async fn the_message_about_a_change_is_plain_json(fixture: Fixture) {
    let info = put(&fixture.container("inbox").await, "a b", "data").await;
    let backend = &fixture.backends().queue;
    let body = backend.receive("blob/inbox/all", 1, Duration::ZERO, secs(30)).await.unwrap().remove(0).body;
    let expected = r#"{"container":"inbox","key":"a b","kind":"created","etag":"ETAG","size":4}"#;
    assert_eq!(String::from_utf8(body).unwrap(), expected.replace("ETAG", &info.etag));
}
