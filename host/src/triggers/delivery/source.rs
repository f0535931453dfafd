//! One source at work. Nothing is received without a permit to run it, so that nothing leased waits.

mod settle;

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Mapping;
use super::batch::{self, lanes};
use super::callee::Callee;
use super::destination::Outcomes;
use super::event::queued;
use super::notice::{Notice, Tell, What};
use super::pace::{Pace, Turn};
use super::verdict::Verdict;
use crate::config::{Delivery, EventSource, QueueSettings};
use crate::engine::Request;
use crate::invoke::{Caller, Reservation};
use crate::services::functions::Queued;
use crate::services::queue::{self, Delivered, Receipt};
use crate::services::{Backends, Clock, Error, transaction};

/// How long a message stays with a host that died.
const LEASE: Duration = Duration::from_secs(30);
/// How often the leases of what runs are prolonged.
const BEAT: Duration = Duration::from_secs(10);
/// Before the next attempt at a store that does not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Messages received at a time, at most: more would hold up everybody else's writes. Each receive may wait for a sync, so
/// that a tenth of it cost handlers of batches a fifth of their rate (docs/benchmarks.md).
const RECEIVED: usize = 1_000;

pub(super) struct Source {
    source: EventSource,
    settings: QueueSettings,
    function: Arc<dyn Callee>,
    backend: Arc<dyn queue::Backend>,
    /// Of a transactional source.
    transactions: Option<Arc<dyn transaction::Backend>>,
    outcomes: Outcomes,
    clock: Clock,
    tell: Tell,
    pace: Mutex<Pace>,
    /// Deliveries at work.
    running: AtomicU32,
    /// A delivery ended.
    ended: Notify,
}

impl Source {
    pub(super) fn new(mapping: Mapping, backends: &Backends, outcomes: Outcomes, clock: Clock, tell: Tell) -> Self {
        let Mapping { source, settings, function } = mapping;
        let pace = Mutex::new(Pace::new(source.concurrency));
        let backend = Arc::clone(&backends.queue);
        let transactions = backends.transactions.clone().filter(|_| source.delivery == Delivery::Transactional);
        let (running, ended) = (AtomicU32::new(0), Notify::new());
        Self { source, settings, function, backend, transactions, outcomes, clock, tell, pace, running, ended }
    }

    pub(super) fn running(&self) -> u32 {
        self.running.load(Relaxed)
    }

    /// Takes messages and delivers them, until `stop`; deliveries that run at `cut` are given back.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken, cut: CancellationToken, tasks: TaskTracker) {
        while let Some(permits) = stop.run_until_cancelled(self.turn()).await {
            let messages = self.receive(permits.len(), &stop).await;
            for (lane, permit) in lanes(&self.source.batch, self.function.takes_batches(), messages, permits) {
                self.running.fetch_add(1, Relaxed);
                tasks.spawn(Arc::clone(&self).deliver(lane, permit, cut.clone()));
            }
        }
    }

    /// Returns with permits when there is something to receive.
    async fn turn(&self) -> Vec<Reservation> {
        while let Err(error) = self.backend.ready(&self.source.queue).await {
            self.pause("look at", &error).await;
        }
        let places = self.places().await;
        self.function.reserve(places).await
    }

    /// How many deliveries may start, when it is at least one.
    async fn places(&self) -> u32 {
        loop {
            let ended = self.ended.notified();
            let (running, now) = (self.running.load(Relaxed), self.clock.now_ms());
            let places = self.pace().places(running, now);
            match places {
                Ok(0) => ended.await,
                Ok(places) => return places,
                Err(at) => self.clock.sleep_until(at).await,
            }
        }
    }

    /// Up to as many messages as the permits are for. A receive is not broken off: what it leased would be nobody's.
    async fn receive(&self, permits: usize, stop: &CancellationToken) -> Vec<Delivered> {
        let batch = &self.source.batch;
        let each = if self.function.takes_batches() { batch.size as usize } else { 1 };
        let most = (permits * each).min(RECEIVED);
        let lease = LEASE + if self.function.takes_batches() { batch.window } else { Duration::ZERO };
        let mut messages = self.receive_now(most, lease).await;
        if self.function.takes_batches() && !batch.window.is_zero() {
            let mut closed = pin!(self.clock.sleep(batch.window));
            while batch::is_open(batch, &messages) {
                // In this order: messages that are ready all the time must not hold up the end.
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    () = &mut closed => break,
                    ready = self.backend.ready(&self.source.queue) => if ready.is_err() { break },
                }
                messages.extend(self.receive_now(each - batch::fresh(&messages), lease).await);
            }
        }
        messages
    }

    async fn receive_now(&self, most: usize, lease: Duration) -> Vec<Delivered> {
        let most = u32::try_from(most).unwrap_or(1).max(1);
        match self.backend.receive(&self.source.queue, most, Duration::ZERO, lease).await {
            Ok(messages) => messages,
            Err(error) => {
                self.pause("receive from", &error).await;
                Vec::new()
            }
        }
    }

    /// Handles batches one after the other, and prolongs the leases while it does.
    async fn deliver(self: Arc<Self>, lane: Vec<Vec<Delivered>>, permit: Reservation, cut: CancellationToken) {
        let held = Held::new(&lane);
        // In this order, which leaves nothing to chance where time is simulated.
        tokio::select! {
            biased;
            () = Box::pin(self.work(lane, permit, &held)) => {}
            () = cut.cancelled() => self.give_all_back(&held).await,
            () = self.beat(&held) => {}
        }
        self.running.fetch_sub(1, Relaxed);
        self.ended.notify_one();
    }

    async fn work(&self, lane: Vec<Vec<Delivered>>, permit: Reservation, held: &Held) {
        let (mut permit, last) = (Some(permit), lane.len().saturating_sub(1));
        for (index, batch) in lane.into_iter().enumerate() {
            let permit = if index == last { permit.take() } else { None };
            self.handle(&batch, permit).await;
            held.settled(&batch);
        }
    }

    /// For ever.
    async fn beat(&self, held: &Held) {
        loop {
            self.clock.sleep(BEAT).await;
            for receipt in held.receipts() {
                // One that is lost meanwhile is told of when it is settled.
                let _ = self.backend.extend(&self.source.queue, receipt, LEASE).await;
            }
        }
    }

    async fn give_all_back(&self, held: &Held) {
        for receipt in held.receipts() {
            let _ = self.backend.give_back(&self.source.queue, receipt, Duration::ZERO).await;
        }
    }

    /// Invokes the function once and settles each message by the outcome.
    async fn handle(&self, messages: &[Delivered], permit: Option<Reservation>) {
        let (request, mut caller) = self.request(messages);
        caller.transaction = self.transactions.as_ref().map(|transactions| transactions.begin());
        let transaction = caller.transaction.clone();
        let outcome = self.function.run(permit, request, caller).await;
        let verdicts = Verdict::of(&outcome.ending, messages.len(), self.function.advice());
        self.keep_pace(&verdicts);
        match transaction {
            Some(transaction) => self.settle_together(messages, &verdicts, &outcome, &transaction).await,
            None => self.settle(messages, &verdicts, &outcome).await,
        }
    }

    /// A batch is called in the name of its first event.
    fn request(&self, messages: &[Delivered]) -> (Request, Caller) {
        let mut caller = Caller::default();
        let mut events = Vec::with_capacity(messages.len());
        for message in messages {
            let Queued { event, traceparent, depth } = queued(&self.source.origin, &self.source.queue, message);
            if events.is_empty() {
                caller = Caller { attempt: message.receive_count, traceparent, depth, ..Caller::default() };
            }
            events.push(event);
        }
        match events.pop() {
            Some(only) if events.is_empty() && !self.function.takes_batches() => {
                (Request::Event(Box::new(only)), caller)
            }
            last => {
                events.extend(last);
                (Request::Batch(events), caller)
            }
        }
    }

    fn keep_pace(&self, verdicts: &[Verdict]) {
        let fine = verdicts.iter().all(Verdict::is_fine);
        let turn = self.pace().record(fine, self.clock.now_ms());
        if let Some(turn) = turn {
            self.tell(match turn {
                Turn::Slower { limit } => What::Slower { limit },
                Turn::BackingOff => What::BackingOff,
                Turn::Recovered => What::Recovered,
            });
        }
    }

    fn complain(&self, doing: &'static str, result: Result<(), Error>) {
        if let Err(error) = result {
            let why = match error {
                Error::LeaseLost => "it took longer than its lease, and will come again".into(),
                error => format!("{error}; it will come again"),
            };
            self.tell(What::Trouble { doing, why });
        }
    }

    async fn pause(&self, doing: &'static str, error: &Error) {
        self.tell(What::Trouble { doing, why: error.to_string() });
        self.clock.sleep(PAUSE).await;
    }

    fn tell(&self, what: What<'_>) {
        (self.tell)(&Notice { queue: &self.source.queue, function: self.function.name(), what });
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The leases that a delivery has to look after.
struct Held(Mutex<Vec<Receipt>>);

impl Held {
    fn new(lane: &[Vec<Delivered>]) -> Self {
        Self(Mutex::new(lane.iter().flatten().map(|message| message.receipt).collect()))
    }

    fn settled(&self, messages: &[Delivered]) {
        let is_settled = |receipt: &Receipt| messages.iter().any(|message| message.receipt == *receipt);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|receipt| !is_settled(receipt));
    }

    fn receipts(&self) -> Vec<Receipt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
