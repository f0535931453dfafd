//! The engine as it is, on a queue as it is, with a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use super::book::{Book, millis};
use super::callee::{EFFECTS, Invocation, Puppet, Watch, body};
use super::{Command, End, Setting};
use crate::config::{Delivery, EventSource, Origin, QueueSettings, Resources};
use crate::services::queue::browse::{PAGE_MESSAGES, Stored};
use crate::services::queue::{Backend, Message, Stats};
use crate::services::{Backends, Clock, memory, sqlite};
use crate::triggers::delivery::{Mapping, Sources, Tell};

const QUEUE: &str = "work";
const DEAD: &str = "dead";
const START_MS: u64 = 1_700_000_000_000;
/// Who waits for something else than time does it until then at least.
const NEVER_MS: u64 = i64::MAX.cast_unsigned();
/// Longer than any case takes.
const RETENTION: Duration = Duration::from_secs(365 * 24 * 3600);
/// Turns that everything gets which could go on.
const TURNS: usize = 40;
/// Writes that follow from each other until nothing more does: what ended is settled, and what comes next is received.
const WRITES: usize = 12;
/// Far more instants than anything needs to come to its end.
const INSTANTS: usize = 5_000;

pub(super) struct World {
    setting: Setting,
    resources: Resources,
    clock: Clock,
    store: Store,
    /// All engines of one host; the host dies with it.
    runtime: Runtime,
    host: Arc<Semaphore>,
    engines: Vec<Sources>,
    watch: Watch,
    running: Vec<Invocation>,
    book: Book,
}

/// Where the queues are. A store in a folder is opened again after a crash.
enum Store {
    Memory(Backends),
    Folder { folder: TempDir, open: Option<Open> },
}

struct Open {
    store: sqlite::Store,
    backends: Backends,
}

impl Open {
    fn new(folder: &TempDir, resources: &Resources, clock: Clock) -> Self {
        let store = sqlite::open(folder.path(), resources, clock).unwrap();
        Self { backends: store.backends(), store }
    }
}

impl Store {
    fn backends(&self) -> &Backends {
        match self {
            Self::Memory(backends) => backends,
            Self::Folder { open, .. } => &open.as_ref().unwrap().backends,
        }
    }
}

impl World {
    pub(super) fn in_memory(setting: Setting) -> Self {
        Self::open(setting, |resources, clock| Store::Memory(memory::open(resources, clock).unwrap()))
    }

    pub(super) fn in_folder(setting: Setting) -> Self {
        Self::open(setting, |resources, clock| {
            let folder = TempDir::new().unwrap();
            Store::Folder { open: Some(Open::new(&folder, resources, clock)), folder }
        })
    }

    fn open(setting: Setting, store: impl FnOnce(&Resources, Clock) -> Store) -> Self {
        let (clock, resources) = (Clock::manual(START_MS), resources(&setting));
        let store = store(&resources, clock.clone());
        let mut world = Self {
            setting,
            resources,
            clock,
            store,
            runtime: runtime(),
            host: Arc::new(Semaphore::new(setting.room as usize)),
            engines: Vec::new(),
            watch: Watch::default(),
            running: Vec::new(),
            book: Book::new(setting),
        };
        world.start();
        world
    }

    pub(super) fn play(&mut self, command: &Command) {
        match command {
            Command::Send { count, group, delay, bytes } => self.send(*count, *group, *delay, *bytes),
            Command::Advance(by) => self.advance(*by),
            Command::End { which, end } => {
                if !self.running.is_empty() {
                    self.end(which.index(self.running.len()), end);
                }
            }
            Command::Pass { instants, end } => {
                for _ in 0..*instants {
                    self.end_all(end);
                    self.next_instant();
                }
            }
            Command::Reload => {
                self.engines.iter().for_each(Sources::stop);
                self.start();
            }
            Command::Stop => self.stop(),
            Command::Crash => self.crash(),
            Command::Redrive(most) => self.redrive(*most),
        }
        self.look();
    }

    /// Lets everything go well and time pass until every message is done or dead.
    pub(super) fn finish(mut self) {
        for _ in 0..INSTANTS {
            self.end_all(&End::DONE);
            if self.book.is_done() {
                return self.check_end();
            }
            self.next_instant();
        }
        panic!("messages remain: {:?}", self.stored(QUEUE));
    }

    fn check_end(self) {
        self.wait(async { self.engines.last().unwrap().drain(Duration::from_secs(60)).await });
        let stats = self.wait(self.queue().stats(QUEUE)).unwrap();
        assert_eq!(stats, Stats { exact: true, ..Stats::default() });
        assert_eq!(self.engines.iter().map(Sources::running).sum::<u32>(), 0);
        assert_eq!(self.host.available_permits(), self.setting.room as usize, "every permit was given back");
    }

    fn start(&mut self) {
        let mut source = EventSource::new(Origin::Queue, QUEUE.into(), "puppet".into());
        source.delivery = if self.setting.transactional { Delivery::Transactional } else { Delivery::AtLeastOnce };
        source.concurrency = self.setting.concurrency;
        source.backoff = self.setting.backoff;
        source.batch = self.setting.batch.unwrap_or_default();
        let (engine, takes_batches) = (self.book.start_engine(), self.setting.batch.is_some());
        let function = Arc::new(Puppet::new(engine, takes_batches, Arc::clone(&self.host), self.watch.clone()));
        let mapping = Mapping { source, settings: self.resources.queues[QUEUE].clone(), function };
        let (watch, _inside) = (self.watch.clone(), self.runtime.enter());
        let placement = self.store.backends().clone().into();
        let tell: Tell = Arc::new(move |notice| watch.notice(notice));
        self.engines.push(Sources::start(vec![mapping], &placement, &self.clock, &tell));
    }

    fn send(&mut self, count: usize, group: Option<u8>, delay: Duration, bytes: usize) {
        let group = group.map(|group| group.to_string());
        let message = |number| Message {
            body: body(number, bytes),
            delay: Some(delay),
            group: group.clone(),
            ..Message::default()
        };
        let first = self.book.next_number();
        let messages = (first..first + count).map(message).collect();
        for sent in self.wait(self.queue().send(QUEUE, messages)).unwrap() {
            self.book.send(sent.unwrap().id, group.clone(), bytes, self.clock.now_ms() + millis(delay));
        }
    }

    fn end_all(&mut self, end: &End) {
        for _ in 0..self.running.len() {
            self.end(0, end);
        }
        self.look();
    }

    fn end(&mut self, which: usize, end: &End) {
        let invocation = self.running.remove(which);
        self.book.end(&invocation, end, self.clock.now_ms());
        let ending = end.ending(invocation.given.len(), self.setting.batch.is_some());
        invocation.end.send(ending).unwrap();
        self.look();
    }

    /// From one instant at which something is due to the next.
    fn advance(&mut self, by: Duration) {
        let until = self.clock.now_ms() + millis(by);
        while let Some(next) = self.clock.next_awaited().filter(|next| *next < until) {
            self.move_to(next);
            self.look();
        }
        self.move_to(until);
    }

    fn next_instant(&mut self) {
        if let Some(next) = self.clock.next_awaited().filter(|next| *next < NEVER_MS) {
            self.move_to(next);
        }
        self.look();
    }

    fn move_to(&self, instant_ms: u64) {
        self.clock.advance(Duration::from_millis(instant_ms - self.clock.now_ms()));
    }

    /// What runs is not waited for.
    fn stop(&mut self) {
        let before = self.stored(QUEUE);
        self.engines.iter().for_each(Sources::stop);
        for engine in std::mem::take(&mut self.engines) {
            self.wait(engine.drain(Duration::ZERO));
        }
        self.book.give_back(&before, self.clock.now_ms());
        // A batch that was still open began, and was given back with the others.
        self.watch.seen().started.clear();
        self.running.clear();
        self.start();
    }

    /// The host is gone in the middle of what it did.
    fn crash(&mut self) {
        let before = self.stored(QUEUE);
        self.engines.clear();
        self.running.clear();
        self.runtime = runtime();
        let leases_stay = matches!(self.store, Store::Memory(_));
        if let Store::Folder { folder, open } = &mut self.store {
            *open = None;
            *open = Some(Open::new(folder, &self.resources, self.clock.clone()));
        }
        self.book.crash(&before, leases_stay, self.clock.now_ms());
        self.start();
    }

    fn redrive(&mut self, most: u32) {
        if !self.setting.keeps_dead {
            return;
        }
        let mut dead = self.stored(DEAD);
        dead.truncate(most as usize);
        let moved = self.wait(self.queue().redrive(DEAD, most)).unwrap();
        assert_eq!(moved, dead.len() as u64);
        self.book.redrive(&dead, self.clock.now_ms());
    }

    /// Lets everything happen that does without more time, and holds it against the model.
    fn look(&mut self) {
        self.settle();
        let now = self.clock.now_ms();
        let seen = std::mem::take(&mut *self.watch.seen());
        assert!(seen.troubles.is_empty(), "{:?}", seen.troubles);
        assert_eq!(seen.dead, self.book.take_died(), "who dies does so visibly");
        for invocation in seen.started {
            self.book.begin(&invocation, now);
            self.running.push(invocation);
        }
        let dead = if self.setting.keeps_dead { self.stored(DEAD) } else { Vec::new() };
        self.book.compare(&self.stored(QUEUE), &dead, now);
        if self.setting.transactional {
            self.book.compare_effects(&self.stored(EFFECTS));
        }
        let runs: u32 = self.engines.iter().map(Sources::running).sum();
        assert_eq!(runs as usize, self.running.len(), "what runs by the engine's own count");
    }

    fn settle(&self) {
        self.wait(async {
            turns().await;
            if let Store::Folder { open: Some(Open { store, .. }), .. } = &self.store {
                for _ in 0..WRITES {
                    store.settled().await.unwrap();
                    turns().await;
                }
            }
        });
    }

    fn stored(&self, queue: &str) -> Vec<Stored> {
        let page = self.wait(self.queue().browse(queue, None, PAGE_MESSAGES, usize::MAX)).unwrap();
        assert_eq!(page.cursor, None);
        page.messages
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    fn queue(&self) -> &Arc<dyn Backend> {
        &self.store.backends().queue
    }
}

async fn turns() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Time stands still in it, but for [`Sources::drain`].
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn resources(setting: &Setting) -> Resources {
    let settings = QueueSettings {
        fifo: setting.fifo,
        max_receives: setting.max_receives,
        dead_letter: setting.keeps_dead.then(|| DEAD.into()),
        retention: RETENTION,
        ..QueueSettings::default()
    };
    let plain = |name: &str| (name.to_owned(), QueueSettings { retention: RETENTION, ..QueueSettings::default() });
    let queues = [(QUEUE.into(), settings), plain(DEAD), plain(EFFECTS)].into();
    Resources { queues, ..Resources::default() }
}
