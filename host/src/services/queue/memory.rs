//! Queues in this process.

mod browse;
mod line;
mod stored;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::Notify;

use super::{Backend, Delivered, Message, Receipt, Stats, Ticked, dead};
use crate::config::{QueueSettings, Resources};
use crate::services::memory::{Deduplication, OpenError, later, lock};
use crate::services::message::{Accepted, Attribute};
use crate::services::{Clock, Error, Result};
use line::{Due, Line};
use stored::Stored;
pub(in crate::services) use stored::message_id;

/// One lock guards all queues, because messages move between them: to dead letters, back, and out of topics.
pub struct Memory {
    queues: Mutex<Queues>,
    clock: Clock,
}

struct Queues(BTreeMap<String, Queue>);

struct Queue {
    settings: QueueSettings,
    line: Line,
    accepted: Deduplication,
    /// The planned time of a schedule's last tick.
    last_tick_ms: Option<u64>,
    /// The queues whose dead messages come here.
    feeders: Arc<[String]>,
    /// Wakes who waits for a message here.
    changed: Arc<Notify>,
}

impl Memory {
    pub(in crate::services) fn open(resources: &Resources, clock: Clock) -> Result<Self, OpenError> {
        let mut queues = BTreeMap::new();
        for (name, settings) in &resources.queues {
            if let Some(dead_letter) = &settings.dead_letter
                && (dead_letter == name || !resources.queues.contains_key(dead_letter))
            {
                return Err(OpenError::DeadLetter { queue: name.clone(), dead_letter: dead_letter.clone() });
            }
            queues.insert(name.clone(), Queue::new(settings.clone(), feeders(resources, name)));
        }
        Ok(Self { queues: Mutex::new(Queues(queues)), clock })
    }

    /// Puts a message into all of `queues`, in one step.
    pub(in crate::services) fn deliver(&self, id: &str, message: &Message, queues: &[&str]) -> Result<()> {
        let now_ms = self.clock.now_ms();
        let mut all = lock(&self.queues);
        for name in queues {
            all.current(name, now_ms)?.store(id.into(), message.clone(), now_ms);
        }
        Ok(())
    }

    /// Puts the message about a change of `key` into `queues`, which were provisioned.
    pub(in crate::services) fn announce<'a>(
        &self,
        queues: impl Iterator<Item = &'a str>,
        key: &str,
        change: &impl Serialize,
    ) {
        let (message, now_ms) = (Message::about(key, change), self.clock.now_ms());
        let mut all = lock(&self.queues);
        for name in queues {
            if let Ok(queue) = all.current(name, now_ms) {
                queue.send(message.clone(), now_ms);
            }
        }
    }

    /// Does `work` with a queue in which everything that was due has happened.
    fn with<T>(&self, name: &str, work: impl FnOnce(&mut Queue, u64) -> T) -> Result<T> {
        let now_ms = self.clock.now_ms();
        Ok(work(lock(&self.queues).current(name, now_ms)?, now_ms))
    }

    /// Does `work` while the lease goes on.
    fn with_lease<T>(
        &self,
        name: &str,
        receipt: Receipt,
        work: impl FnOnce(&mut Queues, u64) -> Result<T>,
    ) -> Result<T> {
        let now_ms = self.clock.now_ms();
        let mut queues = lock(&self.queues);
        if !queues.current(name, now_ms)?.line.has_lease(receipt) {
            return Err(Error::LeaseLost);
        }
        work(&mut queues, now_ms)
    }

    /// `None` when a message is ready; else when time alone may bring one, at the latest.
    fn next_look(&self, name: &str) -> Result<Option<u64>> {
        let now_ms = self.clock.now_ms();
        let mut queues = lock(&self.queues);
        let is_ready = queues.current(name, now_ms)?.line.is_ready();
        Ok((!is_ready).then(|| queues.next_change(name).unwrap_or(u64::MAX)))
    }

    /// Leased messages; without any, when time alone may bring one.
    fn try_receive(&self, name: &str, max: u32, lease: Duration) -> Result<(Vec<Delivered>, Option<u64>)> {
        let now_ms = self.clock.now_ms();
        let mut queues = lock(&self.queues);
        let delivered = queues.current(name, now_ms)?.line.lease(max, later(now_ms, lease), now_ms);
        if !delivered.is_empty() {
            queues.wake_dead_letter(name);
        }
        Ok((delivered, queues.next_change(name)))
    }
}

/// The queues whose dead messages go to `name`.
fn feeders(resources: &Resources, name: &str) -> Arc<[String]> {
    let feeds = |settings: &QueueSettings| settings.dead_letter.as_deref() == Some(name);
    resources.queues.iter().filter(|(_, settings)| feeds(settings)).map(|(feeder, _)| feeder.clone()).collect()
}

#[async_trait]
impl Backend for Memory {
    async fn message_size(&self, queue: &str) -> Result<usize> {
        self.with(queue, |queue, _| usize::try_from(queue.settings.message_size.as_u64()).unwrap_or(usize::MAX))
    }

    async fn send(&self, queue: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        self.with(queue, |queue, now_ms| messages.into_iter().map(|message| Ok(queue.send(message, now_ms))).collect())
    }

    async fn receive(&self, queue: &str, max: u32, wait: Duration, lease: Duration) -> Result<Vec<Delivered>> {
        let changed = self.with(queue, |queue, _| Arc::clone(&queue.changed))?;
        let deadline_ms = later(self.clock.now_ms(), wait);
        loop {
            // From here on no change is missed, whatever happens before the await.
            let notified = changed.notified();
            let (delivered, next_ms) = self.try_receive(queue, max, lease)?;
            if !delivered.is_empty() || self.clock.now_ms() >= deadline_ms {
                return Ok(delivered);
            }
            let next_ms = next_ms.map_or(deadline_ms, |next_ms| next_ms.min(deadline_ms));
            tokio::select! {
                () = notified => {}
                () = self.clock.sleep_until(next_ms) => {}
            }
        }
    }

    async fn acknowledge(&self, queue: &str, receipts: &[Receipt]) -> Result<Vec<Result<()>>> {
        self.with(queue, |queue, now_ms| {
            let acknowledge = |receipt: &Receipt| queue.line.acknowledge(*receipt, now_ms);
            let answer = |held: bool| if held { Ok(()) } else { Err(Error::LeaseLost) };
            receipts.iter().map(acknowledge).map(answer).collect()
        })
    }

    async fn ready(&self, queue: &str) -> Result<()> {
        let changed = self.with(queue, |queue, _| Arc::clone(&queue.changed))?;
        loop {
            let notified = changed.notified();
            let Some(next_ms) = self.next_look(queue)? else { return Ok(()) };
            tokio::select! {
                () = notified => {}
                () = self.clock.sleep_until(next_ms) => {}
            }
        }
    }

    async fn release(&self, queue: &str, receipt: Receipt, delay: Duration, report: Vec<Attribute>) -> Result<()> {
        self.with_lease(queue, receipt, |queues, now_ms| {
            let line = &mut queues.current(queue, now_ms)?.line;
            line.report(receipt, report);
            let dead = line.release(receipt, later(now_ms, delay), now_ms);
            queues.bury(queue, dead, dead::MAX_RECEIVES, now_ms);
            Ok(())
        })
    }

    async fn give_back(&self, queue: &str, receipt: Receipt, delay: Duration) -> Result<()> {
        self.with_lease(queue, receipt, |queues, now_ms| {
            let line = &mut queues.current(queue, now_ms)?.line;
            line.uncount(receipt);
            line.release(receipt, later(now_ms, delay), now_ms);
            Ok(())
        })
    }

    async fn bury(&self, queue: &str, receipt: Receipt, reason: &str, report: Vec<Attribute>) -> Result<()> {
        self.with_lease(queue, receipt, |queues, now_ms| {
            let line = &mut queues.current(queue, now_ms)?.line;
            line.report(receipt, report);
            let dead = line.remove(receipt.row, now_ms);
            queues.bury(queue, dead, reason, now_ms);
            Ok(())
        })
    }

    async fn extend(&self, queue: &str, receipt: Receipt, lease: Duration) -> Result<()> {
        self.with_lease(queue, receipt, |queues, now_ms| {
            queues.current(queue, now_ms)?.line.extend(receipt, later(now_ms, lease));
            queues.wake_dead_letter(queue);
            Ok(())
        })
    }

    async fn stats(&self, queue: &str) -> Result<Stats> {
        self.with(queue, |queue, now_ms| queue.line.stats(now_ms))
    }

    async fn purge(&self, queue: &str) -> Result<u64> {
        self.with(queue, |queue, now_ms| queue.line.purge(now_ms))
    }

    async fn last_tick(&self, queue: &str, now_ms: u64) -> Result<u64> {
        self.with(queue, |queue, _| *queue.last_tick_ms.get_or_insert(now_ms))
    }

    async fn tick(&self, queue: &str, planned_ms: u64, overlap: bool, message: Message) -> Result<Ticked> {
        self.with(queue, |queue, now_ms| {
            if queue.last_tick_ms.is_some_and(|last_ms| planned_ms <= last_ms) {
                return Ticked::Past;
            }
            queue.last_tick_ms = Some(planned_ms);
            if !overlap && !queue.line.is_empty() {
                return Ticked::Busy;
            }
            queue.send(message, now_ms);
            Ticked::Sent
        })
    }

    async fn redrive(&self, dead_letter: &str, max: u32) -> Result<u64> {
        let now_ms = self.clock.now_ms();
        let mut queues = lock(&self.queues);
        queues.current(dead_letter, now_ms)?;
        let (mut moved, mut after) = (0, (0, 0));
        while moved < u64::from(max)
            && let Some((due, source)) = queues.next_dead(dead_letter, after)
        {
            after = due;
            moved += u64::from(source.is_some_and(|source| queues.revive(dead_letter, due.1, &source, now_ms)));
        }
        Ok(moved)
    }
}

impl Queues {
    /// The queue, everything that was due having happened in it and in those whose dead messages come to it.
    fn current(&mut self, name: &str, now_ms: u64) -> Result<&mut Queue> {
        let feeders = Arc::clone(&self.0.get(name).ok_or(Error::NotFound)?.feeders);
        for name in feeders.iter().map(String::as_str).chain([name]) {
            let dead = self.0.get_mut(name).map(|queue| queue.line.advance(now_ms)).unwrap_or_default();
            self.bury(name, dead, dead::MAX_RECEIVES, now_ms);
        }
        self.0.get_mut(name).ok_or(Error::NotFound)
    }

    /// Moves messages that died in `source` to its dead-letter queue; without one they are dropped.
    fn bury(&mut self, source: &str, dead: impl IntoIterator<Item = Stored>, reason: &str, now_ms: u64) {
        for message in dead {
            let dead_letter = self.0.get(source).and_then(|queue| queue.settings.dead_letter.clone());
            if let Some(queue) = dead_letter.and_then(|name| self.0.get_mut(&name)) {
                queue.line.push(message.died(reason, source, &queue.settings, now_ms), now_ms);
            }
        }
    }

    /// The first ready message of a dead-letter queue past `after`, and the queue it died in.
    fn next_dead(&self, dead_letter: &str, after: Due) -> Option<(Due, Option<String>)> {
        let (due, message) = self.0.get(dead_letter)?.line.next_ready(after)?;
        Some((due, message.source().map(ToOwned::to_owned)))
    }

    /// Moves a dead message back to `source`; it stays where it is when that queue is gone.
    fn revive(&mut self, dead_letter: &str, row: i64, source: &str, now_ms: u64) -> bool {
        let known = self.0.contains_key(source);
        let dead = self.0.get_mut(dead_letter).filter(|_| known).and_then(|queue| queue.line.remove(row, now_ms));
        let (Some(message), Some(queue)) = (dead, self.0.get_mut(source)) else { return false };
        queue.line.push(message.revived(&queue.settings, now_ms), now_ms);
        true
    }

    /// Who waits for dead messages must learn of a new or shorter lease, whose end may bring one.
    fn wake_dead_letter(&self, name: &str) {
        let dead_letter = self.0.get(name).and_then(|queue| queue.settings.dead_letter.as_ref());
        if let Some(queue) = dead_letter.and_then(|name| self.0.get(name)) {
            queue.changed.notify_waiters();
        }
    }

    fn next_change(&self, name: &str) -> Option<u64> {
        let queue = self.0.get(name)?;
        let feeders = queue.feeders.iter().filter_map(|name| self.0.get(name)?.line.next_lease_end());
        queue.line.next_change().into_iter().chain(feeders).min()
    }
}

impl Queue {
    fn new(settings: QueueSettings, feeders: Arc<[String]>) -> Self {
        let changed = Arc::new(Notify::new());
        Self {
            line: Line::new(settings.fifo, settings.max_receives, Arc::clone(&changed)),
            accepted: Deduplication::new(settings.deduplication_window),
            last_tick_ms: None,
            settings,
            feeders,
            changed,
        }
    }

    fn send(&mut self, mut message: Message, now_ms: u64) -> Accepted {
        let deduplication_id = message.deduplication_id.take();
        if let Some(first) = deduplication_id.as_deref().and_then(|id| self.accepted.first(id, now_ms)) {
            return Accepted { id: first.into(), duplicate: true };
        }
        let id = message_id(now_ms);
        if let Some(deduplication_id) = deduplication_id {
            self.accepted.remember(deduplication_id, id.clone(), now_ms);
        }
        self.store(id.clone(), message, now_ms);
        Accepted { id, duplicate: false }
    }

    fn store(&mut self, id: String, message: Message, now_ms: u64) {
        self.line.push(Stored::new(id, message, &self.settings, now_ms), now_ms);
    }
}
