use super::*;
use crate::config::{BlobWatch, Subscription, TopicSettings};

/// What `open` says about the folder, its path left out.
pub(super) fn refusal(folder: &Path, resources: &Resources) -> String {
    let error = open(folder, resources, Clock::System).err().expect("the store must not open");
    error.to_string().replace(&folder.canonicalize().unwrap_or(folder.into()).display().to_string(), "[folder]")
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "text").unwrap();
    assert_snapshot!(refusal(&file, &resources()), @"data folder `[folder]` is not a folder: give the path of a folder, or of one to create");
    let inside = refusal(&file.join("data"), &resources());
    assert_snapshot!(inside, @"data folder `[folder]` cannot be created (Not a directory (os error 20)): create it or give another one");
}

#[test]
fn the_database_of_a_newer_version_is_refused() {
    let fixture = Fixture::new();
    let folder = closed(fixture);
    let db = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    assert_snapshot!(refusal(folder.path(), &resources()), @"`[folder]/store.db` is of version 99, written by a newer wasm-faas; this one knows up to version 3: use the newer wasm-faas");
}

#[test]
fn files_of_others_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch("CREATE TABLE theirs(a)").unwrap();
    drop(db);
    let before = std::fs::read(&file).unwrap();
    assert_snapshot!(refusal(folder.path(), &resources()), @"`[folder]/store.db` is not a database of wasm-faas: give another data folder, or move that file away");
    assert_eq!(std::fs::read(&file).unwrap(), before);

    std::fs::write(&file, "no database at all, but a text that is long enough to be read as one").unwrap();
    assert_snapshot!(refusal(folder.path(), &resources()), @"`[folder]/store.db` is not a database of wasm-faas: give another data folder, or move that file away");
}

#[test]
fn a_damaged_database_is_refused() {
    let folder = closed(Fixture::new());
    let file = folder.path().join("store.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100..4096].fill(0xAA);
    std::fs::write(&file, bytes).unwrap();
    assert_snapshot!(refusal(folder.path(), &resources()), @"`[folder]/store.db` is damaged (database disk image is malformed): restore the data folder from a backup");
}

#[test]
fn settings_that_name_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = resources();
    wrong.queues.get_mut("orders").unwrap().dead_letter = Some("ded".into());
    assert_snapshot!(refusal(folder.path(), &wrong), @"the dead-letter setting of queue `orders` names queue `ded`, which is not defined: define the queue or correct the name");

    let mut wrong = resources();
    wrong.queues.get_mut("orders").unwrap().dead_letter = Some("orders".into());
    assert_snapshot!(refusal(folder.path(), &wrong), @"queue `orders` is its own dead-letter queue, its messages would never be dead: name another one");

    let mut wrong = resources();
    let subscriptions = vec![Subscription { queue: "oders".into(), filter: None }];
    wrong.topics.insert("stored".into(), TopicSettings { subscriptions, retention: None });
    assert_snapshot!(refusal(folder.path(), &wrong), @"topic `stored` names queue `oders`, which is not defined: define the queue or correct the name");
}

#[test]
fn watches_that_name_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let watch = |container: &str, queue: &str| {
        let (prefix, suffix) = (String::new(), String::new());
        let watch = BlobWatch { queue: queue.into(), prefix, suffix, created: true, removed: false };
        Resources { blob_watches: [(container.into(), vec![watch])].into(), ..resources() }
    };
    assert_snapshot!(refusal(folder.path(), &watch("contaner", "orders")), @"queue `orders` watches container `contaner`, which is not defined: define the container or correct the name");
    assert_snapshot!(refusal(folder.path(), &watch("container", "oders")), @"a watch of container `container` names queue `oders`, which is not defined: define the queue or correct the name");
}

#[test]
fn other_reasons_say_what_to_do() {
    let folder = || "/data".into();
    let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert_snapshot!(OpenError::io(Path::new("/data"), denied()), @"data folder `/data` cannot be written (permission denied): make it writable for this user or give another one");
    assert_snapshot!(OpenError::Full { folder: folder() }, @"data folder `/data` is on a disk that is full: free some space and start again");
    assert_snapshot!(OpenError::Network { folder: folder(), kind: "NFS" }, @"data folder `/data` is on a network filesystem (NFS), where neither locks nor syncs can be relied on: give a folder on a local disk");
    assert_snapshot!(OpenError::InUse { folder: folder(), pid: None }, @"data folder `/data` is in use by another process: stop that one or give another folder");
    assert_snapshot!(OpenError::OldEngine { found: "3.50.0", needed: "3.51.3" }, @"SQLite 3.50.0 can lose data, this needs 3.51.3 or newer: build wasm-faas with its bundled SQLite");
}

/// The folder of a store that is closed.
fn closed(fixture: Fixture) -> TempDir {
    drop(fixture.store);
    fixture.folder
}
