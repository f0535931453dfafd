//! Backends that keep everything in this process and lose it at its end: for `--ephemeral`, and a yardstick of speed.
//!
//! The backends themselves lie beside their traits; here is what opens them and what they share. Locks are the standard
//! library's and are never held over an await.

mod deduplication;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use deduplication::Deduplication;

use super::{Backends, Clock, blob, kv, queue, topic};
use crate::config::Resources;

/// Why resources cannot be provisioned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("topic `{topic}` feeds queue `{queue}`, which is not provisioned: add the queue or drop the subscription")]
    SubscribedQueue { topic: String, queue: String },
    #[error("queue `{queue}` sends its dead messages to `{dead_letter}`, which is not another provisioned queue")]
    DeadLetter { queue: String, dead_letter: String },
    #[error(
        "{resource} `{name}` is watched by queue `{queue}`, which is not provisioned: add the queue or drop the watch"
    )]
    WatchingQueue { queue: String, resource: &'static str, name: String },
    #[error(
        "queue `{queue}` watches {resource} `{name}`, which is not provisioned: add the {resource} or drop the watch"
    )]
    Watched { queue: String, resource: &'static str, name: String },
    #[error("no thread can be started that looks for expired keys ({why}): raise the limit of threads")]
    Thread { why: String },
}

/// Provisions `resources`, empty.
pub fn open(resources: &Resources, clock: Clock) -> Result<Backends, OpenError> {
    check_watches(resources)?;
    let queues = Arc::new(queue::memory::Memory::open(resources, clock.clone())?);
    Ok(Backends {
        kv: Arc::new(kv::memory::Memory::open(resources, clock.clone(), &queues)?),
        topic: Arc::new(topic::memory::Memory::open(resources, clock.clone(), Arc::clone(&queues))?),
        blob: Arc::new(blob::memory::Memory::open(resources, clock, &queues)),
        queue: queues,
        transactions: None,
    })
}

fn check_watches(resources: &Resources) -> Result<(), OpenError> {
    for (service, name, queue) in resources.watches() {
        let (queue, resource, name) = (queue.to_owned(), service.resource(), name.to_owned());
        if !resources.contains(service, &name) {
            return Err(OpenError::Watched { queue, resource, name });
        }
        if !resources.queues.contains_key(&queue) {
            return Err(OpenError::WatchingQueue { queue, resource, name });
        }
    }
    Ok(())
}

/// The guarded data; after a panic of who held the lock, as that one left it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn later(now_ms: u64, by: Duration) -> u64 {
    now_ms.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{KvWatch, QueueSettings, Subscription, TopicSettings};

    fn refusal(queues: &[(&str, Option<&str>)], subscribed: Option<&str>) -> String {
        let settings = |dead_letter: &Option<&str>| QueueSettings {
            dead_letter: dead_letter.map(str::to_owned),
            ..QueueSettings::default()
        };
        let subscriptions = subscribed.map(|queue| Subscription { queue: queue.into(), filter: None });
        let topic = TopicSettings { subscriptions: subscriptions.into_iter().collect(), retention: None };
        let resources = Resources {
            queues: queues.iter().map(|(name, dead_letter)| ((*name).into(), settings(dead_letter))).collect(),
            topics: [("events".into(), topic)].into(),
            ..Resources::default()
        };
        open(&resources, Clock::System).err().unwrap().to_string()
    }

    #[test]
    fn references_are_checked() {
        let refusals = [
            refusal(&[("orders", Some("dead"))], None),
            refusal(&[("orders", Some("orders"))], None),
            refusal(&[("orders", None)], Some("order")),
        ];
        insta::assert_snapshot!(refusals.join("\n"), @r#"
        queue `orders` sends its dead messages to `dead`, which is not another provisioned queue
        queue `orders` sends its dead messages to `orders`, which is not another provisioned queue
        topic `events` feeds queue `order`, which is not provisioned: add the queue or drop the subscription
        "#);
    }

    #[test]
    fn watches_name_what_is_there() {
        let refusal = |bucket: &str, queue: &str| {
            let watch =
                KvWatch { queue: queue.into(), prefix: String::new(), set: true, removed: false, expired: false };
            let resources = Resources {
                buckets: ["visits".into()].into(),
                queues: [("kv/visits/all".into(), QueueSettings::default())].into(),
                kv_watches: [(bucket.into(), vec![watch])].into(),
                ..Resources::default()
            };
            open(&resources, Clock::System).err().unwrap().to_string()
        };
        insta::assert_snapshot!(refusal("visit", "kv/visits/all"), @"queue `kv/visits/all` watches bucket `visit`, which is not provisioned: add the bucket or drop the watch");
        insta::assert_snapshot!(refusal("visits", "kv/visits/al"), @"bucket `visits` is watched by queue `kv/visits/al`, which is not provisioned: add the queue or drop the watch");
        let thread = OpenError::Thread { why: "Resource temporarily unavailable (os error 11)".into() };
        insta::assert_snapshot!(thread, @"no thread can be started that looks for expired keys (Resource temporarily unavailable (os error 11)): raise the limit of threads");
    }
}
