//! A queue with a million messages, beside one with a thousand in a store of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use wasm_faas::services::queue::{Backend, LEASE_DEFAULT};

use super::{CALLERS, Site, message, queues, runtime, send, together};
use crate::measure::{Compared, Effort, Spread, per_operation, resident_kib};
use crate::report::{Figure, Goal};

const MANY: usize = 1_000_000;
const FEW: usize = 1_000;
/// Messages of a turn: half as many are on their way at most as there are in the shorter queue.
const TURN: usize = 8 * 1024;
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
    let (mut sends, mut receives) = (Sums::default(), Sums::default());
    for _ in 0..effort.rounds {
        let (of_few, of_many) = (few.turn(effort)?, many.turn(effort)?);
        sends.add(of_many.send, of_few.send);
        receives.add(of_many.receive, of_few.receive);
    }
    let growth = (resident_kib()? - before) / 1024.0;
    let count = many.count;
    let figure = |what: &str, sums: &Sums| {
        let what = format!("{what} {count} messages, 64 callers, wall clock");
        Figure::new("-", &what, "with 1000", sums.compared(), Goal::AtMost(1.3))
    };
    Ok(vec![
        figure("send to a queue with", &sends),
        figure("receive from and acknowledge to a queue with", &receives),
        Figure {
            number: "-",
            what: format!("resident memory with the store of {count} messages"),
            baseline: "without it".into(),
            ratio: Spread::of(vec![growth]),
            unit: " MiB",
            goal: Goal::AtMost(64.0),
        },
    ])
}

#[derive(Default)]
struct Sums {
    subjects: Vec<f64>,
    baselines: Vec<f64>,
}

impl Sums {
    fn add(&mut self, subject: f64, baseline: f64) {
        self.subjects.push(subject);
        self.baselines.push(baseline);
    }

    fn compared(&self) -> Compared {
        Compared::of(&self.subjects, &self.baselines, 1.0)
    }
}

/// Wall-clock nanoseconds per message.
struct Took {
    send: f64,
    receive: f64,
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
        let sent = self.runtime.block_on(together(|| sends(self.site.queue(), each)))?;
        let received = self.runtime.block_on(together(|| receives(self.site.queue(), each)))?;
        let per_message = |took| per_operation(took, each * CALLERS);
        Ok(Took { send: per_message(sent), receive: per_message(received) })
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
