//! A queue with a million messages, beside one with a thousand in a store of its own.

use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use wasm_faas::services::queue::{Backend, LEASE_DEFAULT};

use super::{CALLERS, Site, message, queues, runtime, send, together};
use crate::measure::{Compared, Effort, Spread, per_operation, process_cpu, resident_kib};
use crate::report::{Figure, Goal};

const MANY: usize = 1_000_000;
const FEW: usize = 1_000;
/// Messages of a turn, sent and then received.
const TURN: usize = 2 * 1024;
/// Messages that fill a queue at a time.
const FILL: usize = 1_000;
const QUEUE: &str = "orders";
const BODY: [u8; 100] = [b'x'; 100];

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let runtime = runtime()?;
    let few = Backlog::new(&runtime, FEW)?;
    // What a store takes for itself is not the backlog's.
    few.turn(effort)?;
    let before = resident_kib()?;
    let many = Backlog::new(&runtime, if effort.divisor == 1 { MANY } else { MANY / 10 })?;
    many.turn(effort)?;
    let rounds = (0..effort.rounds).map(|_| round(effort, &few, &many)).collect::<anyhow::Result<Vec<_>>>()?;
    let growth = (resident_kib()? - before) / 1024.0;
    let what = |doing: &str| format!("{doing} a queue with {} messages, 64 callers", many.count);
    let (send, receive) = (what("send to"), what("receive from and acknowledge to"));
    let figure = |what: &str, of| figure(what, effort.turns as f64, &rounds, of);
    Ok(vec![
        figure(&format!("{send}, wall clock"), |took| took.send),
        figure("the same, CPU time", |took| took.send_cpu),
        figure(&format!("{receive}, wall clock"), |took| took.receive),
        figure("the same, CPU time", |took| took.receive_cpu),
        Figure {
            number: "-",
            what: format!("resident memory with a store of {} messages", many.count),
            baseline: "without it".into(),
            ratio: Spread::of(vec![growth]),
            unit: " MiB",
            goal: Goal::AtMost(64.0),
        },
    ])
}

/// The longer queue beside the shorter.
fn figure(what: &str, turns: f64, rounds: &[(Took, Took)], of: fn(&Took) -> f64) -> Figure {
    let (many, few): (Vec<f64>, Vec<f64>) = rounds.iter().map(|(many, few)| (of(many), of(few))).unzip();
    Figure::new("-", what, "with 1,000", Compared::of(&many, &few, turns), Goal::AtMost(1.3))
}

/// The sums of the turns that the two take.
fn round(effort: Effort, few: &Backlog<'_>, many: &Backlog<'_>) -> anyhow::Result<(Took, Took)> {
    let (mut of_many, mut of_few) = (Took::default(), Took::default());
    for _ in 0..effort.turns {
        of_many += many.turn(effort)?;
        of_few += few.turn(effort)?;
    }
    Ok((of_many, of_few))
}

/// Nanoseconds per message, of a turn or added up.
#[derive(Default)]
struct Took {
    send: f64,
    send_cpu: f64,
    receive: f64,
    receive_cpu: f64,
}

impl AddAssign for Took {
    fn add_assign(&mut self, other: Self) {
        self.send += other.send;
        self.send_cpu += other.send_cpu;
        self.receive += other.receive;
        self.receive_cpu += other.receive_cpu;
    }
}

/// A queue that is as long after each turn as it was before.
struct Backlog<'a> {
    runtime: &'a Runtime,
    site: Site,
    count: usize,
}

impl<'a> Backlog<'a> {
    fn new(runtime: &'a Runtime, count: usize) -> anyhow::Result<Self> {
        let site = Site::new(runtime, &queues([QUEUE]))?;
        runtime.block_on(async {
            for _ in 0..count / FILL {
                send(&*site.queue(), QUEUE, vec![message(&BODY); FILL]).await?;
            }
            anyhow::Ok(())
        })?;
        Ok(Self { runtime, site, count })
    }

    fn turn(&self, effort: Effort) -> anyhow::Result<Took> {
        let each = (effort.operations(TURN) / CALLERS).max(1);
        let per_message = |took| per_operation(took, each * CALLERS);
        let start = process_cpu();
        let sent = self.runtime.block_on(together(|| sends(self.site.queue(), each)))?;
        let between = process_cpu();
        let received = self.runtime.block_on(together(|| receives(self.site.queue(), each)))?;
        Ok(Took {
            send: per_message(sent),
            send_cpu: per_message(between - start),
            receive: per_message(received),
            receive_cpu: per_message(process_cpu() - between),
        })
    }
}

async fn sends(queue: Arc<dyn Backend>, count: usize) -> anyhow::Result<()> {
    for _ in 0..count {
        send(&*queue, QUEUE, vec![message(&BODY)]).await?;
    }
    Ok(())
}

async fn receives(queue: Arc<dyn Backend>, count: usize) -> anyhow::Result<()> {
    for _ in 0..count {
        let messages = queue.receive(QUEUE, 1, Duration::ZERO, LEASE_DEFAULT).await?;
        let receipts: Vec<_> = messages.iter().map(|message| message.receipt).collect();
        anyhow::ensure!(receipts.len() == 1, "no message was received");
        for answer in queue.acknowledge(QUEUE, &receipts).await? {
            answer?;
        }
    }
    Ok(())
}
