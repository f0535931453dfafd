//! One message published to a hundred subscriptions, beside a hundred messages sent in one transaction, all in CPU time:
//! both sides sync once.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::runtime::Runtime;
use wasm_faas::config::{Resources, Subscription, TopicSettings};
use wasm_faas::services::{Backends, topic};

use super::{CALLERS, Site, message, queues, runtime, send, together};
use crate::measure::{Effort, compare, per_operation, process_cpu};
use crate::report::{Figure, Goal};

const SUBSCRIPTIONS: usize = 100;
const TOPIC: &str = "news";
/// Without a subscription.
const ONE: &str = "one";
/// Publications of a turn.
const TURN: usize = 10;
/// Messages that wait in each queue where there is a backlog.
const BACKLOG: usize = 1_000;
const BODY: [u8; 100] = [b'x'; 100];

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Vec<Figure>> {
    let bench = Bench::new(effort)?;
    let to_empty = compare(effort, || bench.to_empty(Side::Publish), || bench.to_empty(Side::SendOne))?;
    bench.fill(effort.operations(BACKLOG))?;
    let to_long = compare(effort, || bench.turn(Side::Publish), || bench.turn(Side::SendOne))?;
    let same = compare(effort, || bench.turn(Side::Publish), || bench.turn(Side::SendEach))?;
    let crowded = compare(effort, || bench.crowd(Side::Publish), || bench.crowd(Side::SendOne))?;
    let (goal, one) = (Goal::AtMost(1.5), "100 messages sent to one queue in one transaction");
    let each = "a message sent to each of the same queues in one transaction";
    Ok(vec![
        Figure::new("-", "publish to 100 subscriptions whose queues are kept empty, CPU time", one, to_empty, goal),
        Figure::new("-", "the same with 1,000 messages waiting in each", one, to_long, goal),
        Figure::new("-", "the same", each, same, Goal::None),
        Figure::new("-", "the same, 64 publishers", "100 messages to one queue, 64 callers", crowded, Goal::None),
    ])
}

/// Each durably puts a hundred messages into queues.
#[derive(Clone, Copy)]
enum Side {
    Publish,
    SendEach,
    SendOne,
}

impl Side {
    async fn run(self, backends: &Backends) -> anyhow::Result<()> {
        match self {
            Self::Publish => publish(backends, 1).await,
            Self::SendEach => send_each(backends).await,
            Self::SendOne => send(&*backends.queue, ONE, vec![message(&BODY); SUBSCRIPTIONS]).await,
        }
    }
}

async fn publish(backends: &Backends, count: usize) -> anyhow::Result<()> {
    let content_type = Some("text/plain".to_owned());
    let message = topic::Message { body: BODY.to_vec(), content_type, ..topic::Message::default() };
    for answer in backends.topic.publish(TOPIC, vec![message; count]).await? {
        answer?;
    }
    Ok(())
}

async fn send_each(backends: &Backends) -> anyhow::Result<()> {
    let transaction = backends.transactions.as_ref().context("the store has no transactions")?.begin();
    for number in 0..SUBSCRIPTIONS {
        for answer in transaction.send(&subscriber(number), vec![message(&BODY)]).await? {
            answer?;
        }
    }
    Ok(transaction.commit(Vec::new()).await?)
}

fn subscriber(number: usize) -> String {
    format!("subscriber-{number}")
}

fn resources() -> Resources {
    let names: Vec<String> = (0..SUBSCRIPTIONS).map(subscriber).collect();
    let mut resources = queues(names.iter().map(String::as_str).chain([ONE]));
    let subscriptions = names.into_iter().map(|queue| Subscription { queue, filter: None }).collect();
    resources.topics.insert(TOPIC.into(), TopicSettings { subscriptions, ..TopicSettings::default() });
    resources
}

struct Bench {
    site: Site,
    runtime: Runtime,
    /// Runs of a turn.
    turn: usize,
}

impl Bench {
    fn new(effort: Effort) -> anyhow::Result<Self> {
        let runtime = runtime()?;
        Ok(Self { site: Site::new(&runtime, &resources())?, runtime, turn: effort.operations(TURN) })
    }

    /// CPU nanoseconds of the process per run, one after the other.
    fn turn(&self, side: Side) -> anyhow::Result<f64> {
        let start = process_cpu();
        self.runtime.block_on(async {
            for _ in 0..self.turn {
                side.run(&self.site.backends).await?;
            }
            anyhow::Ok(())
        })?;
        Ok(per_operation(process_cpu() - start, self.turn))
    }

    /// The same after all queues were emptied.
    fn to_empty(&self, side: Side) -> anyhow::Result<f64> {
        self.runtime.block_on(async {
            for name in (0..SUBSCRIPTIONS).map(subscriber).chain([ONE.to_owned()]) {
                self.site.backends.queue.purge(&name).await?;
            }
            anyhow::Ok(())
        })?;
        self.turn(side)
    }

    /// The same by many at a time, once each.
    fn crowd(&self, side: Side) -> anyhow::Result<f64> {
        let (start, backends) = (process_cpu(), Arc::new(self.site.backends.clone()));
        self.runtime.block_on(together(|| {
            let backends = Arc::clone(&backends);
            async move { side.run(&backends).await }
        }))?;
        Ok(per_operation(process_cpu() - start, CALLERS))
    }

    /// Puts so many messages, in tens, into each queue of a subscription.
    fn fill(&self, count: usize) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            for _ in 0..count.div_ceil(10) {
                publish(&self.site.backends, 10).await?;
            }
            Ok(())
        })
    }
}
