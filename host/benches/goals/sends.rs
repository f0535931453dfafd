//! Durable sends: 64 callers share the disk's syncs, so that together they are many times as fast as one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use wasm_faas::config::{Grant, QueueSettings, Resources};
use wasm_faas::services::queue::{Backend, Message, Queue};
use wasm_faas::services::{Clock, sqlite};

use crate::measure::{Compared, Effort, compare};
use crate::report::{Figure, Goal};

const CALLERS: usize = 64;
const QUEUE: &str = "orders";
/// One turn.
const TURN: Duration = Duration::from_secs(1);

/// In wall-clock time: what is waited for is the disk.
pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    on_disk(folder.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let resources =
        Resources { queues: BTreeMap::from([(QUEUE.to_owned(), QueueSettings::default())]), ..Resources::default() };
    let store = {
        let _turn = runtime.enter();
        sqlite::open(folder.path(), &resources, Clock::System)?
    };
    let queue = store.backends().queue;
    let turn = TURN / u32::try_from(effort.divisor)?;
    // One turn of each a round: turns are long already.
    let effort = Effort { turns: 1, ..effort };
    let compared =
        compare(effort, || runtime.block_on(send(&queue, 1, turn)), || runtime.block_on(send(&queue, CALLERS, turn)))?;
    Ok(vec![figure(compared)])
}

fn figure(compared: Compared) -> Figure {
    let what = "64 callers send durably, wall clock (ratio of the rates)";
    Figure::new("-", what, "one caller", compared.as_rates(), Goal::AtLeast(30.0))
}

/// Wall-clock nanoseconds per send over all callers.
async fn send(backend: &Arc<dyn Backend>, callers: usize, time: Duration) -> anyhow::Result<f64> {
    let grant: Grant = format!("queue:{QUEUE}:send").parse()?;
    let queue = Queue::open(Arc::clone(backend), grant).await?;
    let start = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..callers {
        senders.spawn(send_until(queue.clone(), start + time));
    }
    let mut sent = 0.0;
    while let Some(counted) = senders.join_next().await {
        sent += counted??;
    }
    Ok(start.elapsed().as_secs_f64() * 1e9 / sent)
}

async fn send_until(queue: Queue, end: Instant) -> anyhow::Result<f64> {
    let mut sent = 0.0;
    while Instant::now() < end {
        queue.send(Message { body: vec![b'x'; 100], ..Message::default() }).await?;
        sent += 1.0;
    }
    Ok(sent)
}

/// A sync to memory costs nothing and would show nothing.
pub(crate) fn on_disk(folder: &Path) -> anyhow::Result<()> {
    const TMPFS: u64 = 0x0102_1994;
    let kind = rustix::fs::statfs(folder)?.f_type;
    anyhow::ensure!(u64::try_from(kind)? != TMPFS, "`{}` is in memory, no disk", folder.display());
    Ok(())
}
