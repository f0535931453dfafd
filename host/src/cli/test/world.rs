//! An application in a scenario: its functions and sources over empty stores, on a clock that is moved by hand.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::faults::{Faulty, FaultyTransactions};
use super::stores::Stores;
use crate::cli::error::CliError;
use crate::cli::serve::{Deployment, Host, Observer, mappings};
use crate::config::scenario::Scenario;
use crate::config::{FunctionSettings, Manifest, Resources};
use crate::engine::Loader;
use crate::invoke::{Ending, Outcome};
use crate::services::context::Line;
use crate::services::kv::{Condition, PAGE_KEYS};
use crate::services::{Backends, Clock, Result};
use crate::triggers::delivery::{Notice, Sources};
use crate::triggers::functions::Functions;
use crate::triggers::http::{Bound, Door};

/// Looks at whether anything goes on, each after the store has done what it was asked: what it answers is asked for more.
const LOOKS: u32 = 3;
/// Turns that everything gets which could go on, before it is looked at again whether anything does.
const TURNS: u32 = 64;
/// Invocations at one instant that have no end.
const ENDLESS: u32 = 100_000;
/// What a host told that is kept.
const TOLD: usize = 5;
/// How long after its end, at most, those who watch a key are told.
const TOLD_AFTER_MS: u64 = 1_000;
/// Writes, each of which drops some of what has expired.
const SWEEPS: u32 = 64;
/// Of wall-clock time, while a guest waits for some.
const PAUSE: Duration = Duration::from_millis(1);

pub(super) struct World {
    pub(super) clock: Clock,
    /// Without faults.
    pub(super) backends: Backends,
    /// With faults, as functions and sources see them.
    placed: Backends,
    pub(super) resources: Resources,
    pub(super) seen: Arc<Seen>,
    pub(super) functions: Arc<Functions>,
    /// Where it answers requests.
    pub(super) address: SocketAddr,
    sources: Option<Sources>,
    faulty: Arc<Faulty>,
    stop: CancellationToken,
    stores: Stores,
}

/// What was seen of invocations.
#[derive(Default)]
pub(super) struct Seen(Mutex<Record>);

#[derive(Default)]
pub(super) struct Record {
    pub(super) invocations: BTreeMap<String, u32>,
    /// The most that one invocation burnt, and whose.
    pub(super) most_fuel: Option<(u64, String)>,
    pub(super) logs: Vec<String>,
    /// What went wrong, as a host tells it; the last few.
    pub(super) notices: VecDeque<String>,
    /// Whether there was no end of invocations at one instant.
    pub(super) is_endless: bool,
}

impl Record {
    fn tell(&mut self, notice: String) {
        if self.notices.len() == TOLD {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
    }
}

impl Seen {
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn invocations(&self) -> u32 {
        self.record().invocations.values().sum()
    }

    fn ended(&self, outcome: &Outcome) {
        let mut record = self.record();
        *record.invocations.entry(outcome.function.clone()).or_default() += 1;
        let most = record.most_fuel.as_ref().map_or(0, |(most, _)| *most);
        if let Some(fuel) = outcome.fuel.filter(|fuel| *fuel > most) {
            record.most_fuel = Some((fuel, outcome.function.clone()));
        }
        if let Ending::Stopped(error) = &outcome.ending {
            record.tell(format!("{}: {error}", outcome.function));
        }
    }

    fn observer(self: &Arc<Self>) -> Observer {
        let (logs, outcomes) = (Arc::clone(self), Arc::clone(self));
        Observer {
            sink: Arc::new(move |line: &Line<'_>| logs.record().logs.push(line.message.to_owned())),
            record: Arc::new(move |_| {
                let outcomes = Arc::clone(&outcomes);
                Arc::new(move |outcome: &Outcome| outcomes.ended(outcome))
            }),
        }
    }
}

impl World {
    /// The application with what is given; its sources do not work yet.
    pub(super) async fn open(
        loader: &Arc<Loader>,
        manifest: &Manifest,
        scenario: &Scenario,
        seed: u32,
    ) -> Result<(Self, Deployment), CliError> {
        let (clock, seen) = (Clock::manual(scenario.starts_ms), Arc::new(Seen::default()));
        let resources = together(manifest);
        let stores = Stores::open(manifest, &resources, &clock)?;
        let backends = stores.backends.clone();
        let faulty = Arc::new(Faulty::new(Arc::clone(&backends.queue), scenario.faults, clock.clone(), seed));
        let placed = with_faults(&backends, &faulty);
        let (concurrency, placement) = (manifest.server.concurrency, placed.clone().into());
        let host = Arc::new(Host::new(Arc::clone(loader), placement, clock.clone(), concurrency, seen.observer()));
        let mut deployment = host.deploy(&timeless(manifest), None).await?;
        host.functions.replace(deployment.functions());
        let bound = Bound::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let (address, stop) = (bound.address(), CancellationToken::new());
        let door = Door::new(manifest.server.clone(), std::mem::take(&mut deployment.routes), None);
        tokio::spawn(bound.serve(Arc::new(door), None, stop.clone(), |_| {}));
        let functions = Arc::clone(&host.functions);
        let sources = None;
        let world =
            Self { clock, backends, placed, resources, seen, functions, address, sources, faulty, stop, stores };
        Ok((world, deployment))
    }

    /// Lets the sources work.
    pub(super) fn start(&mut self, manifest: &Manifest, deployment: &Deployment) {
        let seen = Arc::clone(&self.seen);
        let tell = Arc::new(move |notice: &Notice<'_>| seen.record().tell(notice.to_string()));
        let mappings = mappings(manifest, &deployment.functions);
        self.sources = Some(Sources::start(mappings, &self.placed.clone().into(), &self.clock, &(tell as _)));
    }

    /// Returns when nothing goes on but with time. A guest that waits by the wall clock is waited for.
    pub(super) async fn quiet(&self) {
        let before = self.seen.invocations();
        while self.goes_on().await {
            if self.seen.invocations() - before > ENDLESS {
                self.seen.record().is_endless = true;
                return self.sources.iter().for_each(Sources::stop);
            }
        }
    }

    /// Whether anything was done, or is, after everything got its turns.
    async fn goes_on(&self) -> bool {
        for _ in 0..LOOKS {
            let before = self.faulty.operations();
            self.stores.settled().await;
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            let running = self.sources.as_ref().map_or(0, Sources::running);
            if self.faulty.is_busy() || running > self.faulty.waiting() {
                tokio::time::sleep(PAUSE).await;
                return true;
            }
            if self.faulty.operations() != before {
                return true;
            }
        }
        false
    }

    /// Lets time pass, from one instant at which something is due to the next.
    pub(super) async fn advance(&self, by: Duration) -> Result<()> {
        let until = self.clock.now_ms().saturating_add(millis(by));
        let mut told = None;
        loop {
            self.quiet().await;
            let expiry = self.next_expiry().await?;
            let next = [self.clock.next_awaited(), expiry, told.take()].into_iter().flatten().min();
            let next = next.unwrap_or(until).min(until);
            told = (expiry == Some(next)).then(|| next.saturating_add(TOLD_AFTER_MS));
            self.clock.advance(Duration::from_millis(next.saturating_sub(self.clock.now_ms())));
            self.drop_expired().await?;
            if next == until {
                break;
            }
        }
        self.quiet().await;
        Ok(())
    }

    /// When the next key expires whose bucket is watched.
    async fn next_expiry(&self) -> Result<Option<u64>> {
        let mut next = None;
        for bucket in self.resources.kv_watches.keys() {
            for key in all_keys(&self.backends, bucket).await? {
                let entry = self.backends.kv.get(bucket, &key).await?;
                let expires = entry.and_then(|entry| entry.expires_at_ms).filter(|at| *at > self.clock.now_ms());
                next = next.into_iter().chain(expires).min();
            }
        }
        Ok(next)
    }

    /// A write drops what has expired and tells those who watch.
    async fn drop_expired(&self) -> Result<()> {
        for bucket in self.resources.kv_watches.keys() {
            for _ in 0..SWEEPS {
                self.backends.kv.delete(bucket, "", Condition::Always).await?;
            }
        }
        Ok(())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(sources) = &self.sources {
            sources.stop();
        }
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) async fn all_keys(backends: &Backends, bucket: &str) -> Result<Vec<String>> {
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = backends.kv.list_keys(bucket, "", after.as_deref(), PAGE_KEYS).await?;
        keys.extend(page.keys);
        after = page.cursor;
        if after.is_none() {
            return Ok(keys);
        }
    }
}

fn with_faults(backends: &Backends, faulty: &Arc<Faulty>) -> Backends {
    let transactions = backends.transactions.clone().map(|inner| {
        let faulty = Arc::clone(faulty);
        Arc::new(FaultyTransactions { inner, faulty }) as _
    });
    Backends { queue: Arc::clone(faulty) as _, transactions, ..backends.clone() }
}

/// What the embedded store keeps and what memory does. No name is in both.
fn together(manifest: &Manifest) -> Resources {
    let (mut all, memory) = (manifest.resources.clone(), manifest.memory.clone());
    all.buckets.extend(memory.buckets);
    all.queues.extend(memory.queues);
    all.topics.extend(memory.topics);
    all.containers.extend(memory.containers);
    all.kv_watches.extend(memory.kv_watches);
    all.blob_watches.extend(memory.blob_watches);
    all
}

/// Without rates, which go by the wall clock.
fn timeless(manifest: &Manifest) -> Manifest {
    let unlimited = |settings: FunctionSettings| FunctionSettings { rate: None, ..settings };
    let functions = manifest.functions.clone().into_iter().map(|(name, settings)| (name, unlimited(settings)));
    Manifest { functions: functions.collect(), ..manifest.clone() }
}
