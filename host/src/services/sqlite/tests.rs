mod refusals;

use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use tempfile::TempDir;

use super::writer::Failure;
use super::{Durability, OpenError, Store, open};
use crate::config::{QueueSettings, Resources, TopicSettings};
use crate::services::blob::{CHUNK_BYTES, Condition as BlobCondition, PutOptions};
use crate::services::kv::{Condition, Write};
use crate::services::queue::{Message, dead};
use crate::services::{Backends, Clock, Error, topic};

const START_MS: u64 = 1_700_000_000_000;
const LEASE: Duration = Duration::from_secs(30);
const LARGE: usize = 100 << 10;

fn resources() -> Resources {
    let mut resources = Resources::default();
    resources.buckets.insert("bucket".into());
    resources.containers.insert("container".into());
    let orders = QueueSettings { max_receives: 2, dead_letter: Some("dead".into()), ..QueueSettings::default() };
    resources.queues.insert("orders".into(), orders);
    resources.queues.insert("dead".into(), QueueSettings::default());
    let kept = TopicSettings { subscriptions: vec![], retention: Some(Duration::from_secs(60)) };
    resources.topics.insert("kept".into(), kept);
    resources
}

/// A store in a folder of its own that can be closed and opened again.
struct Fixture {
    folder: TempDir,
    clock: Clock,
    store: Option<Store>,
}

impl Fixture {
    fn new() -> Self {
        let mut fixture = Self { folder: tempfile::tempdir().unwrap(), clock: Clock::manual(START_MS), store: None };
        fixture.reopen(&resources());
        fixture
    }

    fn reopen(&mut self, resources: &Resources) -> Backends {
        self.store = None;
        self.store = Some(open(self.folder.path(), resources, self.clock.clone()).unwrap());
        self.backends()
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn backends(&self) -> Backends {
        self.store().backends()
    }

    /// Returns when all that follows from the writes before is done, too.
    async fn settled(&self) {
        self.store().shared.writer.write(Durability::Process, 0, |_| Ok(())).await.unwrap();
    }

    /// Names of the files under `blobs`.
    fn blob_files(&self) -> Vec<String> {
        files(&self.folder.path().join("blobs"))
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![name(path)] }).collect()
}

fn write(key: &str, value: &[u8]) -> Write {
    Write { key: key.into(), value: value.into(), ttl: None, when: Condition::Always }
}

fn message(body: &str) -> Message {
    Message { body: body.into(), ..Message::default() }
}

#[tokio::test]
async fn one_process_at_a_time_has_the_folder_until_its_last_handle_is_dropped() {
    let mut fixture = Fixture::new();
    let text = refusals::refusal(fixture.folder.path(), &resources());
    let text = text.replace(&std::process::id().to_string(), "[pid]");
    assert_snapshot!(text, @"data folder `[folder]` is in use by process [pid]: stop that one or give another folder");

    let backends = fixture.backends();
    fixture.store = None;
    assert!(matches!(open(fixture.folder.path(), &resources(), Clock::System), Err(OpenError::InUse { .. })));
    backends.kv.set("bucket", write("key", b"value")).await.unwrap();
    drop(backends);
    let entry = fixture.reopen(&resources()).kv.get("bucket", "key").await.unwrap();
    assert_eq!(entry.unwrap().value, b"value");
}

#[tokio::test]
async fn resources_left_out_are_not_found_and_keep_their_data() {
    let mut fixture = Fixture::new();
    fixture.backends().kv.set("bucket", write("key", b"value")).await.unwrap();
    let without = fixture.reopen(&Resources::default());
    assert_eq!(without.kv.get("bucket", "key").await, Err(Error::NotFound));
    drop(without);
    let entry = fixture.reopen(&resources()).kv.get("bucket", "key").await.unwrap();
    assert_eq!(entry.unwrap().value, b"value");
}

#[tokio::test]
async fn versions_are_never_used_again() {
    let mut fixture = Fixture::new();
    let first = fixture.backends().kv.set("bucket", write("key", b"1")).await.unwrap();
    assert!(fixture.backends().kv.delete("bucket", "key", Condition::Always).await.unwrap());
    let second = fixture.reopen(&resources()).kv.set("bucket", write("key", b"2")).await.unwrap();
    assert!(second > first, "{second} after {first}");
}

#[tokio::test]
async fn duplicates_are_known_after_a_restart_and_an_acknowledgement() {
    let mut fixture = Fixture::new();
    let once = || Message { deduplication_id: Some("once".into()), ..message("a") };
    let queue = fixture.backends().queue;
    let first = queue.send("orders", vec![once()]).await.unwrap().remove(0).unwrap();
    let delivered = queue.receive("orders", 1, Duration::ZERO, LEASE).await.unwrap();
    queue.acknowledge("orders", &[delivered[0].receipt]).await.unwrap().remove(0).unwrap();
    drop(queue);

    let queue = fixture.reopen(&resources()).queue;
    let second = queue.send("orders", vec![once()]).await.unwrap().remove(0).unwrap();
    assert_eq!((second.id, second.duplicate), (first.id, true));
    fixture.clock.advance(Duration::from_secs(5 * 60));
    assert!(!queue.send("orders", vec![once()]).await.unwrap().remove(0).unwrap().duplicate);
}

#[tokio::test]
async fn leases_end_with_their_process_and_their_counts_stay() {
    let mut fixture = Fixture::new();
    let queue = fixture.backends().queue;
    queue.send("orders", vec![message("a")]).await.unwrap();
    assert_eq!(queue.receive("orders", 1, Duration::ZERO, LEASE).await.unwrap()[0].receive_count, 1);
    drop(queue);

    let queue = fixture.reopen(&resources()).queue;
    assert_eq!(queue.receive("orders", 1, Duration::ZERO, LEASE).await.unwrap()[0].receive_count, 2);
    drop(queue);

    let queue = fixture.reopen(&resources()).queue;
    assert_eq!(queue.receive("orders", 1, Duration::ZERO, LEASE).await.unwrap(), []);
    let dead = queue.receive("dead", 1, Duration::ZERO, LEASE).await.unwrap().remove(0);
    let receives = dead.attributes.iter().find(|attribute| attribute.name == dead::RECEIVES).unwrap();
    assert_eq!((dead.body.as_slice(), dead.receive_count, receives.value.as_str()), (b"a".as_slice(), 1, "2"));
}

#[tokio::test]
async fn a_message_dead_at_the_end_of_its_lease_wakes_the_receiver_of_the_dead() {
    let fixture = Fixture::new();
    let queue = fixture.backends().queue;
    queue.send("orders", vec![message("a")]).await.unwrap();
    queue.receive("orders", 1, Duration::ZERO, LEASE).await.unwrap();
    fixture.clock.advance(LEASE);
    queue.receive("orders", 1, Duration::ZERO, LEASE).await.unwrap();
    let waiting = {
        let queue = fixture.backends().queue;
        tokio::spawn(async move { queue.receive("dead", 1, Duration::from_secs(600), LEASE).await })
    };
    fixture.clock.advance(LEASE);
    let dead = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(dead[0].body, b"a");
}

#[tokio::test]
async fn a_queue_that_becomes_fifo_or_ceases_to_be_keeps_its_messages_in_reach() {
    let mut fixture = Fixture::new();
    let grouped = |body| Message { group: Some("g".into()), ..message(body) };
    let queue = fixture.backends().queue;
    queue.send("dead", vec![grouped("a"), grouped("b")]).await.unwrap();
    drop(queue);

    let mut fifo = resources();
    fifo.queues.get_mut("dead").unwrap().fifo = true;
    let queue = fixture.reopen(&fifo).queue;
    let heads = queue.receive("dead", 10, Duration::ZERO, LEASE).await.unwrap();
    assert_eq!(heads.iter().map(|head| head.body.as_slice()).collect::<Vec<_>>(), [b"a"]);
    drop(queue);

    let queue = fixture.reopen(&resources()).queue;
    assert_eq!(queue.receive("dead", 10, Duration::ZERO, LEASE).await.unwrap().len(), 2);
}

#[tokio::test]
async fn large_bodies_are_files_that_go_with_their_object() {
    let fixture = Fixture::new();
    let blob = fixture.backends().blob;
    let put = |body: Vec<u8>| blob.put("container", "key", body, PutOptions::default());
    put(vec![1; LARGE]).await.unwrap();
    assert_eq!(fixture.blob_files().len(), 1);
    let mut reader = blob.reader("container", "key", None).await.unwrap().unwrap();
    put(vec![2; LARGE]).await.unwrap();
    fixture.settled().await;
    assert_eq!(fixture.blob_files().len(), 1, "the file of the first object is gone");
    assert_eq!(reader.read(CHUNK_BYTES).await.unwrap(), vec![1; LARGE], "but a reader keeps it");

    let refused = PutOptions { when: BlobCondition::IfAbsent, ..PutOptions::default() };
    assert_eq!(blob.put("container", "key", vec![3; LARGE], refused).await, Err(Error::Conflict(None)));
    let mut dropped = blob.writer("container", "other", PutOptions::default()).await.unwrap();
    dropped.write(vec![4; LARGE]).await.unwrap();
    assert_eq!(fixture.blob_files().len(), 2);
    drop(dropped);
    assert_eq!(fixture.blob_files().len(), 1);

    assert!(blob.delete("container", "key", BlobCondition::Always).await.unwrap());
    fixture.settled().await;
    assert_eq!(fixture.blob_files(), [""; 0]);
}

#[tokio::test]
async fn files_without_a_row_are_removed_at_the_start() {
    let mut fixture = Fixture::new();
    fixture.backends().blob.put("container", "key", vec![1; LARGE], PutOptions::default()).await.unwrap();
    let wanted = fixture.blob_files();
    let folder = fixture.folder.path().join("blobs/ab/cd");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("abcd0123"), "renamed, but never named by a row").unwrap();
    std::fs::write(folder.join("abcd4567.tmp"), "half written").unwrap();
    assert_eq!(fixture.blob_files().len(), 3);
    fixture.reopen(&resources());
    assert_eq!(fixture.blob_files(), wanted);
}

#[tokio::test]
async fn an_operation_that_fails_is_undone_and_harms_no_other_of_its_group() {
    let fixture = Fixture::new();
    let writer = &fixture.store().shared.writer;
    let insert = |name: &'static str| {
        move |writing: &mut super::Writing<'_>| {
            let sql = "INSERT INTO resource(kind, name) VALUES ('test', ?1)";
            writing.db.execute(sql, [name]).map_err(Failure::from)
        }
    };
    let fails = move |writing: &mut super::Writing<'_>| {
        insert("b")(writing)?;
        insert("a")(writing)
    };
    let refuses = move |writing: &mut super::Writing<'_>| {
        insert("c")(writing)?;
        Err::<(), _>(Failure::Refused(Error::LeaseLost))
    };
    // The first keeps the writer busy while the others come, so that those are one group.
    let slow = |_: &mut super::Writing<'_>| {
        std::thread::sleep(Duration::from_millis(50));
        Ok(())
    };
    let (slow, first, failed, refused, last) = tokio::join!(
        writer.write(Durability::Power, 0, slow),
        writer.write(Durability::Power, 0, insert("a")),
        writer.write(Durability::Power, 0, fails),
        writer.write(Durability::Power, 0, refuses),
        writer.write(Durability::Process, 0, insert("d")),
    );
    assert_eq!((slow, first, last, refused), (Ok(()), Ok(1), Ok(1), Err(Error::LeaseLost)));
    assert_snapshot!(failed.unwrap_err(), @"unavailable: the store could not write: UNIQUE constraint failed: resource.kind, resource.name");
    assert_eq!(test_names(&fixture), ["a", "d"]);
}

#[tokio::test]
async fn an_operation_nobody_waits_for_any_more_is_not_run() {
    let fixture = Fixture::new();
    let kv = fixture.backends().kv;
    let slow = fixture.store().shared.writer.write(Durability::Process, 0, |_| {
        std::thread::sleep(Duration::from_millis(200));
        Ok(())
    });
    let dropped = tokio::time::timeout(Duration::from_millis(50), kv.set("bucket", write("key", b"value")));
    let (slow, dropped) = tokio::join!(slow, dropped);
    assert!(slow.is_ok() && dropped.is_err());
    fixture.settled().await;
    assert_eq!(kv.get("bucket", "key").await.unwrap(), None);
}

fn test_names(fixture: &Fixture) -> Vec<String> {
    let read = |db: &rusqlite::Connection| {
        let mut names = db.prepare("SELECT name FROM resource WHERE kind = 'test' ORDER BY name")?;
        let names = names.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(names)
    };
    fixture.store().shared.readers.read(read).unwrap()
}

#[tokio::test]
async fn a_full_disk_stops_writes_until_there_is_room_and_never_reads() {
    let fixture = Fixture::new();
    let limit = |pages: u32| {
        fixture.store().shared.writer.write(Durability::Process, 0, move |writing| {
            Ok(writing.db.pragma_update(None, "max_page_count", pages)?)
        })
    };
    let kv = fixture.backends().kv;
    kv.set("bucket", write("small", b"1")).await.unwrap();
    limit(1).await.unwrap();
    let large = write("large", &[7; LARGE]);
    let refused = kv.set("bucket", large.clone()).await.unwrap_err();
    assert_snapshot!(refused, @"unavailable: the store's disk is full");
    assert_eq!(kv.get("bucket", "small").await.unwrap().unwrap().value, b"1");
    assert_eq!(kv.get("bucket", "large").await.unwrap(), None);
    limit(1_000_000).await.unwrap();
    kv.set("bucket", large).await.unwrap();
}

#[tokio::test]
async fn a_store_of_the_first_version_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let db = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    db.execute_batch(super::schema::VERSIONS[0]).unwrap();
    db.execute_batch(&format!(
        "PRAGMA application_id = 0x57614673; PRAGMA user_version = 1;
         INSERT INTO resource(id, kind, name) VALUES (7, 'queue', 'orders');
         INSERT INTO message(queue, ulid, visible_at, due_at, sent_at, expires_at, body)
           VALUES (7, 'old', 0, 0, {START_MS}, {START_MS} + 1000, x'74657874');"
    ))
    .unwrap();
    drop(db);
    let store = open(folder.path(), &resources(), Clock::manual(START_MS)).unwrap();
    let received = store.backends().queue.receive("orders", 1, Duration::ZERO, LEASE).await.unwrap();
    assert_eq!((received[0].id.as_str(), received[0].body.as_slice()), ("old", &b"text"[..]));
}

#[tokio::test]
async fn what_has_expired_is_removed_in_the_background() {
    let fixture = Fixture::new();
    let backends = fixture.backends();
    let soon = Write { ttl: Some(Duration::from_secs(60)), ..write("key", b"value") };
    backends.kv.set("bucket", soon).await.unwrap();
    let ttl = Message { ttl: Some(Duration::from_secs(60)), deduplication_id: Some("id".into()), ..message("a") };
    backends.queue.send("orders", vec![ttl]).await.unwrap();
    backends.topic.publish("kept", vec![topic::Message::default()]).await.unwrap();
    assert_eq!(rows(&fixture), 4);
    fixture.clock.advance(Duration::from_secs(600));
    for _ in 0..100 {
        if rows(&fixture) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} rows are left", rows(&fixture));
}

fn rows(fixture: &Fixture) -> u32 {
    let sql = "SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM message) +
                      (SELECT count(*) FROM duplicate) + (SELECT count(*) FROM publication)";
    fixture.store().shared.readers.read(|db| Ok(db.query_row(sql, [], |row| row.get(0))?)).unwrap()
}
