//! What the contract suites of the services share. A suite is written once, over the traits and the checked handles;
//! [`contract!`] makes a test of each of its cases for each backend.

use std::any::Any;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::blob::Container;
use super::kv::Bucket;
use super::queue::Queue;
use super::topic::Topic;
use super::{Backends, Clock, memory, sqlite};
use crate::config::{Grant, Resources, Right, Service};

/// When the clock of a fixture starts, milliseconds since the Unix epoch.
pub(super) const START_MS: u64 = 1_700_000_000_000;

/// Makes a test of each case for each backend. The suite's `resources()` says what is provisioned. With `+ transaction`
/// all handles of a case are also tried inside a single transaction, which sees its own writes.
macro_rules! contract {
    (+ transaction $($case:ident)*) => {
        $crate::services::contract::contract!(@backend transaction: $($case)*);
        $crate::services::contract::contract!($($case)*);
    };
    ($($case:ident)*) => {
        $crate::services::contract::contract!(@backend memory: $($case)*);
        $crate::services::contract::contract!(@backend sqlite: $($case)*);
    };
    (@backend $backend:ident: $($case:ident)*) => {
        mod $backend {
            use $crate::services::contract::{Fixture, $backend};

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$case(Fixture::open($backend, super::resources())).await;
                }
            )*
        }
    };
}
pub(super) use contract;

/// Opens a backend in a directory that is its own.
pub(super) type Open = fn(&Path, &Resources, Clock) -> Opened;

pub(super) struct Opened {
    pub(super) backends: Backends,
    /// What to drop so that the backend can be opened again; none when it keeps nothing over that.
    pub(super) store: Option<Box<dyn Any + Send + Sync>>,
}

pub(super) fn memory(_: &Path, resources: &Resources, clock: Clock) -> Opened {
    Opened { backends: memory::open(resources, clock).unwrap(), store: None }
}

pub(super) fn sqlite(directory: &Path, resources: &Resources, clock: Clock) -> Opened {
    let store = sqlite::open(directory, resources, clock).unwrap();
    Opened { backends: store.backends(), store: Some(Box::new(store)) }
}

pub(super) fn transaction(directory: &Path, resources: &Resources, clock: Clock) -> Opened {
    let store = sqlite::open(directory, resources, clock).unwrap().backends();
    let transaction = store.transactions.as_ref().unwrap().begin();
    let (kv, blob) = (transaction.kv(), transaction.blob());
    Opened { backends: Backends { kv, blob, ..store }, store: None }
}

/// A backend with its resources and a clock that stands still.
pub(super) struct Fixture {
    open: Open,
    resources: Resources,
    clock: Clock,
    opened: Option<Opened>,
    directory: TempDir,
}

impl Fixture {
    pub(super) fn open(open: Open, resources: Resources) -> Self {
        let (directory, clock) = (TempDir::new().unwrap(), Clock::manual(START_MS));
        let opened = Some(open(directory.path(), &resources, clock.clone()));
        Self { open, resources, clock, opened, directory }
    }

    pub(super) fn backends(&self) -> &Backends {
        &self.opened.as_ref().unwrap().backends
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Closes a backend that persists and opens it again; any other goes on as it is. Handles must have been dropped.
    pub(super) fn reopen(&mut self) {
        if self.opened.as_ref().unwrap().store.is_some() {
            self.opened = None;
            self.opened = Some((self.open)(self.directory.path(), &self.resources, self.clock.clone()));
        }
    }

    pub(super) async fn bucket(&self, name: &str) -> Bucket {
        let grant = Grant::new(Service::Kv, name, &[Right::Read, Right::Write]);
        Bucket::open(self.backends().kv.clone(), grant).await.unwrap()
    }

    pub(super) async fn queue(&self, name: &str) -> Queue {
        let grant = Grant::new(Service::Queue, name, &[Right::Send, Right::Receive]);
        Queue::open(self.backends().queue.clone(), grant).await.unwrap()
    }

    pub(super) async fn topic(&self, name: &str) -> Topic {
        let grant = Grant::new(Service::Topic, name, &[Right::Publish]);
        Topic::open(self.backends().topic.clone(), grant).await.unwrap()
    }

    pub(super) async fn container(&self, name: &str) -> Container {
        let grant = Grant::new(Service::Blob, name, &[Right::Read, Right::Write]);
        Container::open(self.backends().blob.clone(), grant).await.unwrap()
    }
}

/// Bounds what should take a moment, so that a lost wake-up fails instead of hanging.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

/// Lets all run at once and answers in their order.
pub(super) async fn all_at_once<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(soon(task).await.unwrap());
    }
    answers
}

/// `length` bytes in which every value comes up and no piece is like the next.
pub(super) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index ^ (index >> 8) ^ (index >> 16)).to_le_bytes()[0]).collect()
}

pub(super) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
