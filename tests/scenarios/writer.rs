//! The other side of the crash and durability scenarios: this program again, as a process that works on a store and tells
//! what it is about to do and what was acknowledged, line by line.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wasm_faas::config::{QueueSettings, Resources};
use wasm_faas::services::kv::{self, Operation};
use wasm_faas::services::queue::Message;
use wasm_faas::services::{Backends, Clock, blob, sqlite};

use super::{full_disk, support};

/// Names the role that this process is to play.
pub const ROLE: &str = "SCENARIO_ROLE";
pub const FOLDER: &str = "SCENARIO_FOLDER";
pub const SEED: &str = "SCENARIO_SEED";

pub const BUCKET: &str = "visits";
pub const QUEUE: &str = "jobs";
pub const CONTAINER: &str = "inbox";
/// The keys that one transaction sets together.
pub const PAIR: [&str; 2] = ["left", "right"];

const SENDERS: u64 = 2;
pub const LONG: Duration = Duration::from_secs(12 * 3600);

pub type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Plays the role in this process.
pub fn play(role: &str) -> Done {
    let folder = PathBuf::from(std::env::var(FOLDER)?);
    support::runtime().block_on(async {
        match role {
            "writer" => write_without_end(&folder).await,
            full_disk::ROLE => full_disk::fill(&folder).await,
            operation => do_once(&folder, operation).await,
        }
    })
}

pub fn resources() -> Resources {
    // Each restart of a receiver counts as a receive; none of the messages may die of it.
    let queue = QueueSettings { max_receives: u32::MAX, ..QueueSettings::default() };
    Resources {
        buckets: [BUCKET.into()].into(),
        queues: [(QUEUE.to_owned(), queue)].into(),
        containers: [CONTAINER.into()].into(),
        ..Resources::default()
    }
}

/// One line is one write of a few bytes, which a pipe takes as a whole: what was written before a kill is read.
pub fn tell(line: &str) {
    // Nobody is there to hear of an error.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

pub fn set(key: &str, value: u64) -> kv::Write {
    kv::Write { key: key.into(), value: value.to_string().into(), ttl: None, when: kv::Condition::Always }
}

/// What stands in version `number` of a blob: every third one is large enough for a file of its own.
pub fn blob(number: u64) -> Vec<u8> {
    let length = if number.is_multiple_of(3) { 100_000 } else { 1_000 };
    number.to_string().into_bytes().into_iter().cycle().take(length).collect()
}

/// Every kind of effect at once until somebody kills it. No key is written by two tasks.
async fn write_without_end(folder: &Path) -> Done {
    let seed: u64 = std::env::var(SEED)?.parse()?;
    let store = sqlite::open(folder, &resources(), Clock::System)?;
    let backends = Arc::new(store.backends());
    let mut tasks = tokio::task::JoinSet::new();
    let random = |task: u64| fastrand::Rng::with_seed(seed.wrapping_mul(31).wrapping_add(task));
    for task in 0..2 {
        tasks.spawn(write_keys(Arc::clone(&backends), task, random(task)));
        tasks.spawn(write_blobs(Arc::clone(&backends), task, random(10 + task)));
        tasks.spawn(acknowledge(Arc::clone(&backends), random(20 + task)));
    }
    for task in 0..SENDERS {
        tasks.spawn(send(Arc::clone(&backends), format!("{seed}.{task}")));
    }
    tasks.spawn(write_pairs(Arc::clone(&backends), seed));
    match tasks.join_next().await {
        Some(ended) => ended?,
        None => Ok(()),
    }
}

async fn write_keys(backends: Arc<Backends>, task: u64, mut random: fastrand::Rng) -> Done {
    loop {
        let key = format!("{task}-{}", random.u8(..6));
        if random.u8(..4) == 0 {
            tell(&format!("try key {key} -"));
            backends.kv.delete(BUCKET, &key, kv::Condition::Always).await?;
            tell(&format!("ok key {key} -"));
        } else {
            let value = random.u64(..);
            tell(&format!("try key {key} {value}"));
            backends.kv.set(BUCKET, set(&key, value)).await?;
            tell(&format!("ok key {key} {value}"));
        }
    }
}

async fn write_pairs(backends: Arc<Backends>, seed: u64) -> Done {
    for value in seed.. {
        tell(&format!("try pair both {value}"));
        let operations = PAIR.map(|key| Operation::Set(set(key, value)));
        backends.kv.transact(BUCKET, operations.into()).await?;
        tell(&format!("ok pair both {value}"));
    }
    Ok(())
}

async fn write_blobs(backends: Arc<Backends>, task: u64, mut random: fastrand::Rng) -> Done {
    loop {
        let key = format!("{task}-{}", random.u8(..4));
        if random.u8(..4) == 0 {
            tell(&format!("try blob {key} -"));
            backends.blob.delete(CONTAINER, &key, blob::Condition::Always).await?;
            tell(&format!("ok blob {key} -"));
        } else {
            let number = random.u64(..);
            tell(&format!("try blob {key} {number}"));
            backends.blob.put(CONTAINER, &key, blob(number), blob::PutOptions::default()).await?;
            tell(&format!("ok blob {key} {number}"));
        }
    }
}

async fn send(backends: Arc<Backends>, name: String) -> Done {
    for number in 0_u64.. {
        let body = format!("{name}.{number}");
        tell(&format!("try send {body} 1"));
        let message = Message { body: body.clone().into(), ..Message::default() };
        for answer in backends.queue.send(QUEUE, vec![message]).await? {
            answer?;
        }
        tell(&format!("ok send {body} 1"));
    }
    Ok(())
}

/// Leases for longer than the test takes, and leaves one message in five leased.
async fn acknowledge(backends: Arc<Backends>, mut random: fastrand::Rng) -> Done {
    loop {
        for message in backends.queue.receive(QUEUE, 5, Duration::from_secs(1), LONG).await? {
            if random.u8(..5) == 0 {
                continue;
            }
            let body = String::from_utf8(message.body)?;
            tell(&format!("try acknowledge {body} -"));
            for answer in backends.queue.acknowledge(QUEUE, &[message.receipt]).await? {
                answer?;
            }
            tell(&format!("ok acknowledge {body} -"));
        }
    }
}

/// Opens the store, tells `begin`, does one thing, tells `ok` and goes on living for a moment.
async fn do_once(folder: &Path, operation: &str) -> Done {
    let store = sqlite::open(folder, &resources(), Clock::System)?;
    let backends = store.backends();
    let message = Message { body: b"durable".into(), ..Message::default() };
    // What `acknowledge` and `delete` are about is there before.
    backends.kv.set(BUCKET, set("earlier", 1)).await?;
    backends.queue.send(QUEUE, vec![message.clone()]).await?;
    let leased = backends.queue.receive(QUEUE, 1, Duration::ZERO, LONG).await?;
    let receipts: Vec<_> = leased.iter().map(|delivered| delivered.receipt).collect();
    tell("begin");
    match operation {
        "set" => drop(backends.kv.set(BUCKET, set("key", 1)).await?),
        "delete" => drop(backends.kv.delete(BUCKET, "earlier", kv::Condition::Always).await?),
        "send" => drop(backends.queue.send(QUEUE, vec![message]).await?),
        "acknowledge" => drop(backends.queue.acknowledge(QUEUE, &receipts).await?),
        "put_small" => drop(backends.blob.put(CONTAINER, "key", blob(1), blob::PutOptions::default()).await?),
        "put_large" => drop(backends.blob.put(CONTAINER, "key", blob(3), blob::PutOptions::default()).await?),
        other => return Err(format!("no such role: {other}").into()),
    }
    tell("ok");
    Ok(())
}
