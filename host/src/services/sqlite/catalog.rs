//! The resources of this opening: which row of the database each name stands for, and how it behaves.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::{Notify, broadcast};

use super::{OpenError, millis};
use crate::config::{BlobWatch, Filter, KvWatch, QueueSettings, Resources, TopicSettings};
use crate::services::kv::{CHANGES, Change};
use crate::services::{Error, Result};

/// Fixed while the store is open.
pub(crate) struct Catalog {
    buckets: HashMap<String, Arc<Bucket>>,
    buckets_by_id: HashMap<i64, Arc<Bucket>>,
    /// Of all buckets, told after the commit.
    pub(crate) changes: broadcast::Sender<Change>,
    queues: HashMap<String, Arc<Queue>>,
    queues_by_id: HashMap<i64, Arc<Queue>>,
    topics: HashMap<String, Arc<Topic>>,
    containers: HashMap<String, Arc<Container>>,
}

pub(crate) struct Bucket {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) watches: Vec<KvWatch>,
}

pub(crate) struct Container {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) watches: Vec<BlobWatch>,
}

/// A queue; durations in milliseconds.
pub(crate) struct Queue {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) fifo: bool,
    pub(crate) max_receives: u32,
    /// The id of the dead-letter queue.
    pub(crate) dead_letter: Option<i64>,
    pub(crate) retention: i64,
    pub(crate) deduplication_window: i64,
    /// In bytes.
    pub(crate) message_size: usize,
    /// Told once for each message that became ready, and all of its waiters when they have to look at the time again.
    pub(crate) ready: Notify,
}

pub(crate) struct Topic {
    pub(crate) id: i64,
    /// Milliseconds; none when nothing is kept.
    pub(crate) retention: Option<i64>,
    pub(crate) subscriptions: Vec<Subscription>,
}

pub(crate) struct Subscription {
    pub(crate) queue: i64,
    pub(crate) filter: Option<Filter>,
}

impl Catalog {
    pub(crate) fn bucket(&self, name: &str) -> Result<Arc<Bucket>> {
        self.buckets.get(name).cloned().ok_or(Error::NotFound)
    }

    /// `None` for a bucket of an earlier opening.
    pub(crate) fn bucket_by_id(&self, id: i64) -> Option<Arc<Bucket>> {
        self.buckets_by_id.get(&id).cloned()
    }

    pub(crate) fn container(&self, name: &str) -> Result<Arc<Container>> {
        self.containers.get(name).cloned().ok_or(Error::NotFound)
    }

    pub(crate) fn queue(&self, name: &str) -> Result<Arc<Queue>> {
        self.queues.get(name).cloned().ok_or(Error::NotFound)
    }

    pub(crate) fn topic(&self, name: &str) -> Result<Arc<Topic>> {
        self.topics.get(name).cloned().ok_or(Error::NotFound)
    }

    /// `None` for a queue of an earlier opening.
    pub(crate) fn queue_by_id(&self, id: i64) -> Option<Arc<Queue>> {
        self.queues_by_id.get(&id).cloned()
    }
}

/// Brings the database to `resources` and this opening, in one transaction.
pub(super) fn provision(
    db: &mut Connection,
    resources: &Resources,
    now: i64,
    folder: &Path,
) -> Result<Catalog, OpenError> {
    check_queue_names(resources)?;
    check_watched(resources)?;
    let failed = |error| OpenError::engine(folder, error);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let queues = provision_queues(&transaction, resources).map_err(failed)?;
    let buckets = provision_buckets(&transaction, resources).map_err(failed)?;
    let catalog = Catalog {
        buckets_by_id: buckets.values().map(|bucket| (bucket.id, Arc::clone(bucket))).collect(),
        changes: broadcast::Sender::new(CHANGES),
        buckets,
        containers: provision_containers(&transaction, resources).map_err(failed)?,
        topics: provision_topics(&transaction, resources, &queues, failed)?,
        queues_by_id: queues.values().map(|queue| (queue.id, Arc::clone(queue))).collect(),
        queues,
    };
    end_leases(&transaction, &catalog, now).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    Ok(catalog)
}

fn check_queue_names(resources: &Resources) -> Result<(), OpenError> {
    if let Some((name, _)) = resources.queues.iter().find(|(name, queue)| queue.dead_letter.as_ref() == Some(*name)) {
        return Err(OpenError::OwnDeadLetter { queue: name.clone() });
    }
    let dead_letters = resources.queues.iter().filter_map(|(name, settings)| {
        settings.dead_letter.as_deref().map(|queue| (format!("the dead-letter setting of queue `{name}`"), queue))
    });
    let subscriptions = resources.topics.iter().flat_map(|(name, settings)| {
        settings.subscriptions.iter().map(move |subscription| (format!("topic `{name}`"), subscription.queue.as_str()))
    });
    let watches = resources
        .watches()
        .map(|(service, name, queue)| (format!("a watch of {} `{name}`", service.resource()), queue));
    let named = dead_letters.chain(subscriptions).chain(watches);
    match { named }.find(|(_, queue)| !resources.queues.contains_key(*queue)) {
        Some((of, queue)) => Err(OpenError::UnknownQueue { of, queue: queue.to_owned() }),
        None => Ok(()),
    }
}

fn check_watched(resources: &Resources) -> Result<(), OpenError> {
    match resources.watches().find(|(service, name, _)| !resources.contains(*service, name)) {
        Some((service, name, queue)) => {
            Err(OpenError::UnknownWatched { queue: queue.into(), resource: service.resource(), name: name.into() })
        }
        None => Ok(()),
    }
}

fn provision_buckets(db: &Connection, resources: &Resources) -> rusqlite::Result<HashMap<String, Arc<Bucket>>> {
    let bucket = |name: &String| {
        let watches = resources.kv_watches.get(name).cloned().unwrap_or_default();
        let bucket = Bucket { id: provision_name(db, "bucket", name)?, name: name.clone(), watches };
        Ok((name.clone(), Arc::new(bucket)))
    };
    resources.buckets.iter().map(bucket).collect()
}

fn provision_containers(db: &Connection, resources: &Resources) -> rusqlite::Result<HashMap<String, Arc<Container>>> {
    let container = |name: &String| {
        let watches = resources.blob_watches.get(name).cloned().unwrap_or_default();
        let container = Container { id: provision_name(db, "container", name)?, name: name.clone(), watches };
        Ok((name.clone(), Arc::new(container)))
    };
    resources.containers.iter().map(container).collect()
}

fn provision_names<'a>(
    db: &Connection,
    kind: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> rusqlite::Result<HashMap<String, i64>> {
    names.into_iter().map(|name| Ok((name.clone(), provision_name(db, kind, name)?))).collect()
}

fn provision_name(db: &Connection, kind: &str, name: &str) -> rusqlite::Result<i64> {
    db.prepare_cached("INSERT OR IGNORE INTO resource(kind, name) VALUES (?1, ?2)")?.execute([kind, name])?;
    db.prepare_cached("SELECT id FROM resource WHERE kind = ?1 AND name = ?2")?
        .query_row([kind, name], |row| row.get(0))
}

fn provision_queues(db: &Connection, resources: &Resources) -> rusqlite::Result<HashMap<String, Arc<Queue>>> {
    let ids = provision_names(db, "queue", resources.queues.keys())?;
    let mut queues = HashMap::new();
    for (name, settings) in &resources.queues {
        let id = provision_name(db, "queue", name)?;
        reorder(db, id, settings.fifo)?;
        let dead_letter = settings.dead_letter.as_ref().and_then(|name| ids.get(name).copied());
        queues.insert(name.clone(), Arc::new(Queue::new(id, name, settings, dead_letter)));
    }
    Ok(queues)
}

impl Queue {
    fn new(id: i64, name: &str, settings: &QueueSettings, dead_letter: Option<i64>) -> Self {
        Self {
            id,
            name: name.into(),
            fifo: settings.fifo,
            max_receives: settings.max_receives,
            dead_letter,
            retention: millis(settings.retention),
            deduplication_window: millis(settings.deduplication_window),
            message_size: usize::try_from(settings.message_size.as_u64()).unwrap_or(usize::MAX),
            ready: Notify::new(),
        }
    }
}

/// Where a queue became `fifo`, leaves only the heads of its groups visible; where it stopped being one, all messages.
fn reorder(db: &Connection, queue: i64, fifo: bool) -> rusqlite::Result<()> {
    if db.execute("UPDATE resource SET fifo = ?2 WHERE id = ?1 AND fifo <> ?2", params![queue, fifo])? == 0 {
        return Ok(());
    }
    let sql = if fifo {
        "UPDATE message SET visible_at = NULL, lease = 0 WHERE queue = ?1 AND grp IS NOT NULL AND EXISTS (
           SELECT 1 FROM message AS older WHERE older.queue = ?1 AND older.grp = message.grp AND older.id < message.id)"
    } else {
        "UPDATE message SET visible_at = due_at WHERE queue = ?1 AND visible_at IS NULL"
    };
    db.execute(sql, [queue]).map(drop)
}

fn provision_topics(
    db: &Connection,
    resources: &Resources,
    queues: &HashMap<String, Arc<Queue>>,
    failed: impl Fn(rusqlite::Error) -> OpenError,
) -> Result<HashMap<String, Arc<Topic>>, OpenError> {
    let mut topics = HashMap::new();
    for (name, settings) in &resources.topics {
        let id = provision_name(db, "topic", name).map_err(&failed)?;
        let subscriptions = subscriptions(name, settings, queues)?;
        topics.insert(name.clone(), Arc::new(Topic { id, retention: settings.retention.map(millis), subscriptions }));
    }
    Ok(topics)
}

fn subscriptions(
    topic: &str,
    settings: &TopicSettings,
    queues: &HashMap<String, Arc<Queue>>,
) -> Result<Vec<Subscription>, OpenError> {
    let subscription = |settings: &crate::config::Subscription| {
        let unknown = || OpenError::UnknownQueue { of: format!("topic `{topic}`"), queue: settings.queue.clone() };
        let queue = queues.get(&settings.queue).ok_or_else(unknown)?.id;
        Ok(Subscription { queue, filter: settings.filter.clone() })
    };
    settings.subscriptions.iter().map(subscription).collect()
}

/// This process is the only one that has the store, so every lease in it is of one that is gone. The counts stay; a
/// message that has none left is marked, to be dead at the next look.
fn end_leases(db: &Connection, catalog: &Catalog, now: i64) -> rusqlite::Result<()> {
    for queue in catalog.queues.values() {
        db.execute(
            "UPDATE message SET last = 1 WHERE queue = ?1 AND lease <> 0 AND receives >= ?2",
            params![queue.id, queue.max_receives],
        )?;
        db.execute(
            "UPDATE message SET last = 0 WHERE queue = ?1 AND lease <> 0 AND receives < ?2",
            params![queue.id, queue.max_receives],
        )?;
    }
    db.execute("UPDATE message SET lease = 0, visible_at = ?1 WHERE lease <> 0", [now]).map(drop)
}
