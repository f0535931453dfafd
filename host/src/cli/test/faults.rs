//! Queues and transactions that fail as real ones do, in the same way for the same seed.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::config::scenario::Faults;
use crate::services::message::{Accepted, Attribute};
use crate::services::queue::browse::{Browse, Content, Page, Place, Stored};
use crate::services::queue::{Backend, Delivered, Message, Receipt, Stats, Ticked};
use crate::services::transaction::{self, NotCommitted, Transaction};
use crate::services::{Clock, Error, Result, blob, kv, topic};

/// The longest that a slow store takes.
const SLOW_MS: u64 = 60_000;

pub(super) struct Faulty {
    inner: Arc<dyn Backend>,
    faults: Faults,
    chance: Mutex<fastrand::Rng>,
    clock: Clock,
    /// Operations at work, but for those that only wait for a message.
    busy: AtomicU32,
    /// How many there were, so far.
    operations: AtomicU64,
    /// Those among them that take simulated time just now.
    waiting: AtomicU32,
}

impl Faulty {
    pub(super) fn new(inner: Arc<dyn Backend>, faults: Faults, clock: Clock, seed: u32) -> Self {
        let chance = Mutex::new(fastrand::Rng::with_seed(seed.into()));
        Self {
            inner,
            faults,
            chance,
            clock,
            busy: AtomicU32::new(0),
            operations: AtomicU64::new(0),
            waiting: AtomicU32::new(0),
        }
    }

    /// How many operations there were.
    pub(super) fn operations(&self) -> u64 {
        self.operations.load(Relaxed)
    }

    fn begin(&self) -> Counted<'_> {
        self.operations.fetch_add(1, Relaxed);
        Counted::new(&self.busy)
    }

    /// How many operations are at work that only time can end.
    pub(super) fn waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }

    /// Whether an operation is at work that time has nothing to do with.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Relaxed) > self.waiting()
    }

    /// Whether it happens this time. What never happens takes nothing from chance.
    fn happens(&self, percent: u8) -> bool {
        percent > 0 && self.draw(100) < u64::from(percent)
    }

    fn draw(&self, below: u64) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).u64(..below)
    }

    fn available(&self) -> Result<()> {
        match self.happens(self.faults.unavailable) {
            true => Err(Error::Unavailable("a fault of the scenario".into())),
            false => Ok(()),
        }
    }

    /// Before a message is settled.
    async fn settle(&self) -> Result<()> {
        if self.happens(self.faults.slow) {
            let until = self.clock.now_ms().saturating_add(1 + self.draw(SLOW_MS));
            let _waiting = Counted::new(&self.waiting);
            self.clock.sleep_until(until).await;
        }
        if self.happens(self.faults.crash) {
            return Err(Error::Unavailable("the host ended, by a fault of the scenario".into()));
        }
        self.available()
    }

    async fn acknowledge_one(&self, queue: &str, receipt: Receipt) -> Result<()> {
        if self.happens(self.faults.drop_ack) {
            return Err(Error::LeaseLost);
        }
        if self.happens(self.faults.duplicate) {
            return self.inner.give_back(queue, receipt, Duration::ZERO).await;
        }
        self.inner.acknowledge(queue, &[receipt]).await?.pop().unwrap_or(Err(Error::LeaseLost))
    }
}

/// Counts an operation until it is dropped.
struct Counted<'a>(&'a AtomicU32);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[async_trait]
impl Backend for Faulty {
    async fn message_size(&self, queue: &str) -> Result<usize> {
        self.inner.message_size(queue).await
    }

    async fn send(&self, queue: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        let _busy = self.begin();
        self.available()?;
        self.inner.send(queue, messages).await
    }

    async fn receive(&self, queue: &str, max: u32, _: Duration, lease: Duration) -> Result<Vec<Delivered>> {
        let _busy = self.begin();
        self.available()?;
        // Not for `wait`: the clock stands still while a function runs.
        self.inner.receive(queue, max, Duration::ZERO, lease).await
    }

    async fn acknowledge(&self, queue: &str, receipts: &[Receipt]) -> Result<Vec<Result<()>>> {
        let _busy = self.begin();
        self.settle().await?;
        let mut answers = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            answers.push(self.acknowledge_one(queue, *receipt).await);
        }
        Ok(answers)
    }

    async fn ready(&self, queue: &str) -> Result<()> {
        self.inner.ready(queue).await
    }

    async fn release(&self, queue: &str, receipt: Receipt, delay: Duration, report: Vec<Attribute>) -> Result<()> {
        let _busy = self.begin();
        self.settle().await?;
        self.inner.release(queue, receipt, delay, report).await
    }

    async fn give_back(&self, queue: &str, receipt: Receipt, delay: Duration) -> Result<()> {
        let _busy = self.begin();
        self.settle().await?;
        self.inner.give_back(queue, receipt, delay).await
    }

    async fn bury(&self, queue: &str, receipt: Receipt, reason: &str, report: Vec<Attribute>) -> Result<()> {
        let _busy = self.begin();
        self.settle().await?;
        self.inner.bury(queue, receipt, reason, report).await
    }

    async fn extend(&self, queue: &str, receipt: Receipt, lease: Duration) -> Result<()> {
        let _busy = self.begin();
        self.available()?;
        self.inner.extend(queue, receipt, lease).await
    }

    async fn stats(&self, queue: &str) -> Result<Stats> {
        self.inner.stats(queue).await
    }

    async fn purge(&self, queue: &str) -> Result<u64> {
        self.inner.purge(queue).await
    }

    async fn last_tick(&self, queue: &str, now_ms: u64) -> Result<u64> {
        let _busy = self.begin();
        self.available()?;
        self.inner.last_tick(queue, now_ms).await
    }

    async fn tick(&self, queue: &str, planned_ms: u64, overlap: bool, message: Message) -> Result<Ticked> {
        let _busy = self.begin();
        self.available()?;
        self.inner.tick(queue, planned_ms, overlap, message).await
    }

    async fn redrive(&self, dead_letter: &str, max: u32) -> Result<u64> {
        self.inner.redrive(dead_letter, max).await
    }
}

#[async_trait]
impl Browse for Faulty {
    async fn browse(&self, queue: &str, after: Option<&str>, limit: u32, body: usize) -> Result<Page> {
        self.inner.browse(queue, after, limit, body).await
    }

    async fn read(&self, queue: &str, place: &Place) -> Result<Option<Stored>> {
        self.inner.read(queue, place).await
    }

    async fn remove(&self, queue: &str, place: &Place) -> Result<()> {
        self.inner.remove(queue, place).await
    }

    async fn replace(&self, queue: &str, place: &Place, content: Content) -> Result<()> {
        self.inner.replace(queue, place, content).await
    }

    async fn redrive_one(&self, dead_letter: &str, place: &Place) -> Result<()> {
        self.inner.redrive_one(dead_letter, place).await
    }
}

/// Transactions whose commits fail like acknowledgements.
pub(super) struct FaultyTransactions {
    pub(super) inner: Arc<dyn transaction::Backend>,
    pub(super) faulty: Arc<Faulty>,
}

impl transaction::Backend for FaultyTransactions {
    fn begin(&self) -> Arc<dyn Transaction> {
        Arc::new(FaultyTransaction { inner: self.inner.begin(), faulty: Arc::clone(&self.faulty) })
    }
}

struct FaultyTransaction {
    inner: Arc<dyn Transaction>,
    faulty: Arc<Faulty>,
}

impl fmt::Debug for FaultyTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Transaction for FaultyTransaction {
    fn kv(&self) -> Arc<dyn kv::Backend> {
        self.inner.kv()
    }

    fn blob(&self) -> Arc<dyn blob::Backend> {
        self.inner.blob()
    }

    async fn send(&self, queue: &str, messages: Vec<Message>) -> Result<Vec<Result<Accepted>>> {
        self.faulty.available()?;
        self.inner.send(queue, messages).await
    }

    async fn publish(&self, topic: &str, messages: Vec<topic::Message>) -> Result<Vec<Result<Accepted>>> {
        self.inner.publish(topic, messages).await
    }

    async fn commit(&self, acknowledged: Vec<(String, Receipt)>) -> Result<(), NotCommitted> {
        let _busy = self.faulty.begin();
        self.faulty.settle().await?;
        if self.faulty.happens(self.faulty.faults.drop_ack) {
            return Err(NotCommitted::LeaseLost);
        }
        self.inner.commit(acknowledged).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u32) -> Vec<bool> {
        let backends = crate::services::memory::open(&crate::config::Resources::default(), Clock::manual(0)).unwrap();
        let faulty = Faulty::new(backends.queue, Faults::default(), Clock::manual(0), seed);
        (0..200).map(|_| faulty.happens(10)).collect()
    }

    #[test]
    fn chance_is_repeated_by_its_seed() {
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        let happened = drawn(7).into_iter().filter(|happened| *happened).count();
        assert!((5..=40).contains(&happened), "{happened} of 200 times in a case of ten");
    }
}
