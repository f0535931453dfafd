//! Events: messages that wait in queues of the embedded store, and the sources that take them to functions. The store is
//! on a disk, whose syncs are part of what is measured in wall-clock time.

mod backlog;
mod delivery;
mod fan_out;
mod idle;
mod wake_up;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use wasm_faas::config::{Backoff, Batch, Delivery, EventSource, Origin, PoolSettings, QueueSettings, Resources};
use wasm_faas::engine::Loader;
use wasm_faas::invoke::{Ending, Function, Outcome, Terms};
use wasm_faas::services::queue::{Backend, Message};
use wasm_faas::services::{Backends, Clock, sqlite};
use wasm_faas::triggers::delivery::{Mapping, Notice, Sources, Tell};

pub(crate) use backlog::measure as backlog;
pub(crate) use delivery::measure as delivery;
pub(crate) use fan_out::measure as fan_out;
pub(crate) use idle::measure as idle_sources;
pub(crate) use wake_up::measure as wake_up;

use crate::host;
use crate::sends::on_disk;

const CALLERS: usize = 64;
/// Live instances: one for each invocation that a source runs at a time, and some.
const INSTANCES: u32 = 128;
/// Between two looks at what others do.
const LOOK: Duration = Duration::from_millis(1);

/// The runtime as the host has it: a worker for each processor.
fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// A store in a folder of its own. Dropped in this order.
struct Site {
    backends: Backends,
    _store: sqlite::Store,
    _folder: TempDir,
}

impl Site {
    fn new(runtime: &Runtime, resources: &Resources) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        on_disk(folder.path())?;
        let _entered = runtime.enter();
        let store = sqlite::open(folder.path(), resources, Clock::System)?;
        Ok(Self { backends: store.backends(), _store: store, _folder: folder })
    }

    fn queue(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.backends.queue)
    }
}

fn queues<'a>(names: impl IntoIterator<Item = &'a str>) -> Resources {
    let queues = names.into_iter().map(|name| (name.to_owned(), QueueSettings::default()));
    Resources { queues: queues.collect::<BTreeMap<_, _>>(), ..Resources::default() }
}

fn message(body: &[u8]) -> Message {
    Message { body: body.to_vec(), content_type: Some("text/plain".into()), ..Message::default() }
}

/// Sends them as one, durably.
async fn send(queue: &dyn Backend, name: &str, messages: Vec<Message>) -> anyhow::Result<()> {
    for answer in queue.send(name, messages).await? {
        answer?;
    }
    Ok(())
}

/// Wall-clock time that `work` takes when each caller does it at the same time.
async fn together<F>(work: impl Fn() -> F) -> anyhow::Result<Duration>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(work());
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    Ok(start.elapsed())
}

/// What sources made of their events.
#[derive(Default)]
struct Seen {
    /// Events whose handler was done with them.
    handled: AtomicUsize,
    /// When the handler that was done last began.
    started: Mutex<Option<Instant>>,
    trouble: Mutex<Option<String>>,
}

impl Seen {
    fn record(&self, outcome: &Outcome) {
        let events = match &outcome.ending {
            Ending::Ok(_) => 1,
            Ending::Batch(answers) if answers.iter().all(Result::is_ok) => answers.len(),
            other => return self.note(format!("the function ended with {other:?}")),
        };
        let started = Instant::now().checked_sub(outcome.duration);
        *self.started.lock().unwrap_or_else(PoisonError::into_inner) = started;
        self.handled.fetch_add(events, Relaxed);
    }

    fn tell(&self, notice: &Notice<'_>) {
        self.note(notice.to_string());
    }

    fn note(&self, trouble: String) {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trouble);
    }

    /// Returns once `count` events have been handled in all.
    async fn handled(&self, count: usize) -> anyhow::Result<()> {
        while self.handled.load(Relaxed) < count {
            let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
            anyhow::ensure!(trouble.is_none(), "{}", trouble.unwrap_or_default());
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// When the handler that was done last began, of those since this was asked last.
    fn started(&self) -> anyhow::Result<Instant> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).take().context("no handler has started")
    }
}

/// Functions whose sources are at work. Dropping it ends the sources with the runtime.
struct AtWork {
    _loader: Loader,
    _sources: Sources,
    seen: Arc<Seen>,
}

impl AtWork {
    /// The sources of each origin and queue, all to the function of a guest's folder.
    fn start(
        runtime: &Runtime,
        site: &Site,
        guest: &str,
        sources: impl IntoIterator<Item = (Origin, String)>,
    ) -> anyhow::Result<Self> {
        let loader = host::loader(INSTANCES)?;
        let component = loader.load(&host::build(guest)?, true, || {})?;
        let seen = Arc::new(Seen::default());
        let (record, tell) = (Arc::clone(&seen), Arc::clone(&seen));
        let terms = Terms { record: Arc::new(move |outcome: &Outcome| record.record(outcome)), ..Terms::default() };
        let spec = host::spec(host::backends()?)?;
        let function = Arc::new(Function::new(component, spec, PoolSettings::default(), terms));
        let mappings = sources.into_iter().map(|(origin, queue)| mapping(origin, queue, &function)).collect();
        let tell: Tell = Arc::new(move |notice: &Notice<'_>| tell.tell(notice));
        let _entered = runtime.enter();
        let sources = Sources::start(mappings, &site.backends.clone().into(), &Clock::System, &tell);
        Ok(Self { _loader: loader, _sources: sources, seen })
    }
}

fn mapping(origin: Origin, queue: String, function: &Arc<Function>) -> Mapping {
    let source = EventSource {
        origin,
        queue,
        function: function.name().into(),
        batch: Batch::default(),
        concurrency: 64,
        backoff: Backoff::default(),
        delivery: Delivery::default(),
    };
    Mapping { source, settings: QueueSettings::default(), function: Arc::<Function>::clone(function) }
}
